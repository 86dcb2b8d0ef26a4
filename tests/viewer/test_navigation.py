"""The pages as a whole: who is shown which, where each begins, what is refused, by keyboard and in a narrow window."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browsing import ARTEFACTS
from tests.running import ADMIN_PASSWORD, Platform

PAGES = {
    "admin": [
        "Overview",
        "Reading",
        "Worklist",
        "Held studies",
        "Merge patients",
        "Stored studies",
        "Retention",
        "Forwarding",
        "Prefetch",
        "AI jobs",
        "Outbox",
        "Modalities",
        "Users",
        "Settings",
        "Audit",
        "Study list",
    ],
    "radiologist": ["Reading", "Worklist", "Held studies", "Study list"],
    "technologist": ["Worklist", "Held studies", "Study list"],
    "doctor": ["Worklist", "Study list"],
    "nurse": ["Study list"],
}
HOMES = {"admin": "/console/overview", "radiologist": "/console/reading", "technologist": "/console/worklist"}
ADDRESSES = [
    f"/console/{name}"
    for name in (
        "overview",
        "studies",
        "reading",
        "worklist",
        "mismatches",
        "patients",
        "retention",
        "outbox",
        "forwarding",
        "prefetch",
        "jobs",
        "modalities",
        "users",
        "settings",
        "audit",
        "report",
        "notifications",
        "nothing",
    )
]


@pytest.fixture(scope="module")
def people(platform: Platform) -> dict[str, str]:
    """Return an account of each role."""
    made = {role: f"navigating-{role}" for role in PAGES if role != "admin"}
    for role, username in made.items():
        platform.add_user(username, role)
    return made | {"admin": "admin"}


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    yield page
    page.close()


def log_in(page: Page, username: str) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(ADMIN_PASSWORD)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("role", PAGES)
def test_each_role_begins_at_its_home_and_is_shown_its_pages(page: Page, people: dict[str, str], role: str) -> None:
    page.goto("/login")
    log_in(page, people[role])
    if role in HOMES:
        expect(page).to_have_url(re.compile(f"{HOMES[role]}$"))
        expect(page.locator('[aria-current="page"]')).to_have_attribute("href", HOMES[role])
    else:
        page.wait_for_url(re.compile(r":\d+/(\?.*)?$"))  # the home of a role without a page of its own
        page.get_by_text("Study List").first.wait_for()
        page.goto("/console/worklist")
    expect(page.locator("nav a")).to_have_text(PAGES[role])
    expect(page.locator("#who")).to_contain_text(f"({role})")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    assert page.context.request.get("/api/v1/auth/me").status == 401


def test_who_opens_the_front_door_comes_home(page: Page, people: dict[str, str]) -> None:
    page.goto("/")
    page.wait_for_url("**/login?**")
    log_in(page, people["radiologist"])
    expect(page).to_have_url(re.compile("/console/reading$"))
    page.get_by_role("link", name="Study list").click()
    page.get_by_role("link", name="My pages").click()
    expect(page).to_have_url(re.compile("/console/reading$"))


@pytest.mark.parametrize("path", ["/console/outbox", "/console/audit"])
def test_what_is_not_for_a_role_says_so_and_leads_home(page: Page, people: dict[str, str], path: str) -> None:
    page.context.request.post(
        "/api/v1/auth/login", data={"username": people["technologist"], "password": ADMIN_PASSWORD}
    )
    page.goto(path)
    expect(page.get_by_role("heading")).to_have_text("Not for your role")
    page.get_by_role("link", name="Go to your page").click()
    expect(page).to_have_url(re.compile("/console/worklist$"))


def test_an_address_without_a_page_is_told(page: Page, people: dict[str, str]) -> None:
    answer = page.goto("/console/nothing")
    assert answer is not None
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    expect(page.get_by_role("heading")).to_have_text("No such page")
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    page.goto("/console")
    page.wait_for_url("**/login?next=%2Fconsole%2F")


def test_the_keyboard_reaches_the_content_first_and_the_pages_next(page: Page, people: dict[str, str]) -> None:
    page.context.request.post(
        "/api/v1/auth/login", data={"username": people["radiologist"], "password": ADMIN_PASSWORD}
    )
    page.goto("/console/reading")
    expect(page.get_by_role("navigation").get_by_role("link")).to_have_count(4)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Patient or description")).to_be_focused()


def test_pages_that_belong_together_are_behind_one_name(page: Page, people: dict[str, str]) -> None:
    page.context.request.post("/api/v1/auth/login", data={"username": "admin", "password": ADMIN_PASSWORD})
    page.goto("/console/overview")
    archive, system = (page.locator("nav summary", has_text=name) for name in ("Archive", "System"))
    expect(page.locator("nav summary")).to_have_text(["Patients", "Archive", "System"])
    users = page.get_by_role("link", name="Users")
    expect(users).to_be_hidden()
    archive.press("Enter")
    expect(page.get_by_role("link", name="Retention")).to_be_visible()
    system.click()
    expect(users).to_be_visible()
    expect(page.get_by_role("link", name="Retention")).to_be_hidden()
    page.screenshot(path=ARTEFACTS / "menu.png")
    page.keyboard.press("Escape")
    expect(users).to_be_hidden()
    expect(system).to_be_focused()
    page.keyboard.press("Enter")
    users.click()
    expect(page).to_have_url(re.compile("/console/users$"))
    expect(page.locator('[aria-current="page"]')).to_have_text("Users")


@pytest.mark.parametrize("width", [360, 800])
@pytest.mark.parametrize("path", ADDRESSES)
def test_no_page_is_wider_than_its_window(page: Page, people: dict[str, str], path: str, width: int) -> None:
    page.context.request.post("/api/v1/auth/login", data={"username": "admin", "password": ADMIN_PASSWORD})
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(path)
    expect(page.locator("nav a")).to_have_count(len(PAGES["admin"]))
    page.wait_for_load_state("networkidle")
    page.locator("nav summary").last.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
