"""The pages of users, modalities, forwarding and settings, and their language, used as a person does."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Locator, Page, Route, expect
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from tests.browsing import visiting
from tests.running import ADMIN_PASSWORD, Platform
from tests.server import free_ports

PASSWORD = "twelve letters at least"


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of the admin's who says yes to every question."""
    context.request.post("/api/v1/auth/login", data={"username": "admin", "password": ADMIN_PASSWORD})
    page = context.new_page()

    def agree(dialog: Dialog) -> None:
        dialog.accept()

    page.on("dialog", agree)
    yield page
    page.close()


def logs_in(platform: Platform, browser: Browser, username: str, password: str) -> bool:
    asking = visiting(browser, platform.url)
    answer = asking.request.post("/api/v1/auth/login", data={"username": username, "password": password})
    asking.close()
    return answer.status == 200


def row_of(page: Page, name: str) -> Locator:
    return page.locator("tbody tr", has=page.get_by_role("cell", name=name, exact=True))


def test_an_account_is_made_locked_opened_and_given_a_patient(page: Page, platform: Platform, browser: Browser) -> None:
    page.goto("/console/users")
    page.get_by_role("button", name="New user").click()
    adding = page.locator("#adding")
    adding.get_by_label("Username").fill("managed")
    adding.get_by_label("Name", exact=True).fill("이영희")
    adding.get_by_label("Role").select_option("nurse")
    adding.get_by_label("Password").fill("short")
    adding.get_by_role("button", name="Add").click()
    expect(adding.get_by_role("alert")).to_have_text("The password is too short.")
    adding.get_by_label("Password").fill(PASSWORD)
    adding.get_by_role("button", name="Add").click()
    row = page.locator("tbody tr", has=page.get_by_role("button", name="Manage managed"))
    expect(row).to_contain_text("이영희")
    expect(row).to_contain_text("never")
    assert logs_in(platform, browser, "managed", PASSWORD)

    page.get_by_label("Username or name").fill("영희")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#users tr")).to_have_count(1)
    expect(row).not_to_contain_text("never")
    page.get_by_role("button", name="Manage managed").click()
    one = page.locator("#one")
    one.get_by_role("button", name="Lock", exact=True).click()
    expect(one.get_by_role("button", name="Unlock")).to_be_visible()
    assert not logs_in(platform, browser, "managed", PASSWORD)
    one.get_by_role("button", name="Unlock").click()
    expect(one.get_by_role("button", name="Lock", exact=True)).to_be_visible()
    one.get_by_label("Role").select_option("doctor")
    one.get_by_role("button", name="Save").click()
    expect(one.get_by_role("heading", level=2)).to_have_text("managed · doctor")
    one.get_by_label("New password").fill(PASSWORD[::-1])
    one.get_by_role("button", name="Replace the password").click()
    expect(one.get_by_text("The password was replaced.")).to_be_visible()
    assert logs_in(platform, browser, "managed", PASSWORD[::-1])

    one.get_by_label("Patient ID").fill("A\\B")
    one.get_by_role("button", name="Add to the care team").click()
    expect(one.locator("#granting [role=alert]")).to_contain_text("patient_id")
    one.get_by_label("Patient ID").fill("MANAGED-1")
    one.get_by_role("button", name="Add to the care team").click()
    expect(one.locator("#grants")).to_contain_text("MANAGED-1 · care team")
    page.keyboard.press("Escape")
    expect(row.get_by_role("cell").nth(5)).to_have_text("1")
    page.get_by_role("button", name="Manage managed").click()
    one.get_by_role("button", name="End the access to MANAGED-1").click()
    expect(one.locator("#grants")).to_have_text("There are none.")


def test_the_last_admin_stays_one_and_is_told_why(page: Page) -> None:
    page.goto("/console/users")
    page.get_by_role("button", name="Manage admin", exact=True).click()
    page.locator("#one").get_by_role("button", name="Lock", exact=True).click()
    expect(page.locator("#one-message")).to_have_text("Nobody would be left to manage accounts.")


def test_a_modality_is_added_asked_and_removed(page: Page) -> None:
    (port,) = free_ports(1)
    entity = AE(ae_title="ECHOED")
    entity.add_supported_context(Verification)
    page.goto("/console/modalities")
    page.get_by_role("button", name="New modality").click()
    one = page.locator("#one")
    one.get_by_label("AE title").fill("ECHOED")
    one.get_by_label("IP address").fill("not an address")
    one.get_by_label("Port").fill(str(port))
    one.get_by_label("search (C-FIND)").check()
    one.get_by_role("button", name="Save").click()
    expect(one.get_by_role("alert")).to_contain_text("host:")
    one.get_by_label("IP address").fill("127.0.0.1")
    one.get_by_label("MiB a day").fill("a lot")
    one.get_by_role("button", name="Save").click()
    expect(one.get_by_role("alert")).to_have_text("Give the MiB of a day as a whole number, or nothing.")
    one.get_by_label("MiB a day").fill("2048")
    one.get_by_role("button", name="Save").click()
    row = row_of(page, "ECHOED")
    expect(row).to_contain_text("search (C-FIND), send images (C-STORE)")
    expect(row).to_contain_text("0 B of 2.0 GiB")
    page.get_by_role("button", name="Ask ECHOED by C-ECHO").click()
    expect(row.get_by_role("status")).to_have_text(f"ECHOED does not answer a C-ECHO at 127.0.0.1:{port}.")
    asked: list[str] = []
    server = entity.start_server(
        ("127.0.0.1", port),
        block=False,
        evt_handlers=[(evt.EVT_ACCEPTED, lambda event: asked.append(event.assoc.requestor.ae_title))],
    )
    assert server is not None
    page.get_by_role("button", name="Ask ECHOED by C-ECHO").click()
    expect(row.get_by_role("status")).to_have_text(re.compile(r"^answers, in \d+ ms$"))
    server.shutdown()
    assert asked == ["NEURONOVA"]
    page.get_by_role("button", name="Remove ECHOED").click()
    expect(row).to_have_count(0)


def test_settings_say_where_they_come_from_and_keep_secrets(page: Page, platform: Platform) -> None:
    page.goto("/console/settings")
    data = row_of(page, "NEURONOVA_DATA")
    expect(data).to_contain_text(str(platform.settings.data))
    expect(data.get_by_role("cell").nth(2)).to_have_text("environment")
    expect(row_of(page, "NEURONOVA_AET").get_by_role("cell").nth(2)).to_have_text("default")
    expect(row_of(page, "NEURONOVA_ADMIN_PASSWORD")).to_contain_text("set, not shown")
    expect(row_of(page, "NEURONOVA_DATABASE_URL")).to_contain_text("not set")
    expect(page.locator("#warnings")).to_contain_text("NEURONOVA_ADMIN_PASSWORD")
    assert ADMIN_PASSWORD not in page.content()
    page.get_by_label("Only what was given").check()
    expect(data).to_be_visible()
    expect(row_of(page, "NEURONOVA_AET")).to_have_count(0)


def test_forwarding_says_that_nothing_is_forwarded(page: Page) -> None:
    page.goto("/console/forwarding")
    expect(page.locator("#file")).to_have_text("No file of rules is named: nothing goes on by itself.")
    expect(page.locator("#rules")).to_have_text("There are none.")
    page.get_by_label("Destination", exact=True).fill("NOBODY")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#forwards")).to_have_text("There is no such series.")


def test_prefetch_says_that_nothing_is_fetched(page: Page) -> None:
    page.goto("/console/prefetch")
    expect(page.locator("#file")).to_have_text("No file of rules is named: nothing is fetched.")
    expect(page.locator("#rules")).to_have_text("There are none.")
    page.get_by_label("State").select_option("done")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#orders")).to_have_text("There is no such order.")


def test_a_language_that_is_chosen_before_the_page_is_whole_is_not_forgotten(context: BrowserContext) -> None:
    page = context.new_page()
    held: list[Route] = []
    page.route("**/static/language.js", lambda route: held.append(route), times=1)  # noqa: PLW0108  a method takes no mark
    page.goto("/login", wait_until="commit")
    page.get_by_label("Language").select_option("ko")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    expect(page.locator("html")).to_have_attribute("lang", "ko")


def test_the_language_is_chosen_and_goes_with_the_account(platform: Platform, browser: Browser) -> None:
    platform.add_user("speaking", "technologist")
    first = visiting(browser, platform.url, locale="en-GB")
    page = first.new_page()
    page.goto("/login")
    page.get_by_label("Username").fill("speaking")
    page.get_by_label("Password", exact=True).fill("wrong, and long enough")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The username or the password is wrong.")
    page.get_by_label("Language").select_option("ko")
    expect(page.get_by_role("heading")).to_have_text("로그인")
    page.get_by_label("사용자 이름").fill("speaking")
    page.get_by_label("비밀번호", exact=True).fill("wrong, and long enough")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("사용자 이름 또는 비밀번호가 올바르지 않습니다.")
    page.get_by_label("비밀번호", exact=True).fill(ADMIN_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_contain_text("워크리스트")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(["워크리스트", "보류 검사", "검사 목록"])
    expect(page.locator("#who")).to_contain_text("방사선사")
    with page.expect_response("**/api/v1/auth/language"):
        page.get_by_label("언어").select_option("en")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_label("Language").select_option("ko")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    first.close()
    second = visiting(browser, platform.url, locale="en-GB")
    second.request.post("/api/v1/auth/login", data={"username": "speaking", "password": ADMIN_PASSWORD})
    other = second.new_page()
    other.goto("/console/worklist")
    expect(other.locator("html")).to_have_attribute("lang", "ko")
    second.close()
