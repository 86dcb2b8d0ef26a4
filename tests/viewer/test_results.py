"""A model's result beside the report, in a real browser: seen, judged, taken into the report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browsing import ARTEFACTS
from tests.jobs.hospital import ended, stored_head, tell_of
from tests.running import ADMIN_PASSWORD, Platform
from tests.server import until


@pytest.fixture(scope="module")
def head(platform: Platform) -> dict[str, Any]:
    """A head CT with a bleeding, what a model says of it, and a radiologist."""
    platform.add_user("judge", "radiologist")
    images = stored_head(platform, "judged-head")
    job = ended(platform, tell_of(platform, images))
    assert job["state"] == "succeeded", job

    def listed() -> Any:
        return platform.get(f"/api/v1/results?study={job['study']}").json()["results"]

    (result,) = until(listed, "the result is published")
    until(lambda: platform.get(f"/api/v1/reports/{job['study']}").status_code == 200, "the record has the study")
    return dict(result)


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest, head: dict[str, Any]) -> Iterator[Page]:
    page = context.new_page()
    context.request.post("/api/v1/auth/login", data={"username": "judge", "password": ADMIN_PASSWORD})
    page.goto(f"/console/report?study={head['study']}")
    yield page
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{request.node.name}.png", full_page=True)


def test_the_list_says_why_it_is_read_early(page: Page, head: dict[str, Any]) -> None:
    page.goto("/console/reading")
    row = page.locator(f'#rows tr[data-study="{head["study"]}"]')
    expect(row.locator(".tag.urgent")).to_have_text("urgent")
    expect(row.locator(".tag.ai")).to_contain_text("AI, not for diagnosis")


def test_rejecting_asks_why_in_the_page(page: Page, head: dict[str, Any]) -> None:
    card = page.get_by_role("article")
    expect(card).to_contain_text("AI, not for diagnosis")
    expect(card).to_contain_text(head["lines"][0])
    expect(card).to_contain_text("Nobody has judged it.")
    expect(card.get_by_role("link", name="Show in the viewer")).to_have_attribute("href", re.compile(head["study"]))
    card.get_by_role("button", name="Reject").focus()
    page.keyboard.press("Enter")
    expect(card.get_by_label("Why is it rejected?")).to_be_focused()
    card.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_text("Say why the result is rejected.")).to_be_visible()
    card.get_by_label("Why is it rejected?").fill("석회화")
    card.get_by_role("button", name="Reject", exact=True).click()
    expect(card).to_contain_text("Rejected by Judge")
    expect(card).to_contain_text("석회화")


def test_an_accepted_one_is_taken_in_where_the_cursor_is(page: Page, head: dict[str, Any]) -> None:
    card = page.get_by_role("article")
    expect(card.get_by_role("button", name="Take")).to_have_count(0)
    card.get_by_role("button", name="Accept").click()
    expect(card).to_contain_text("Accepted by Judge")
    field = page.get_by_label("Report", exact=True)
    field.fill("Before.\nAfter.")
    field.evaluate("field => field.setSelectionRange(7, 7)")
    card.get_by_role("button", name="Take").click()
    lines = "\n".join(f"- {one}" for one in head["lines"])
    said = f"AI ({head['model']} {head['model_version']}), accepted by Judge:\n{lines}\n"
    expect(field).to_have_value(f"Before.\n{said}After.")
    expect(page.get_by_text("Limits and origin")).to_be_visible()
    page.get_by_text("Limits and origin").click()
    expect(card).to_contain_text(head["digest"][:12])


def test_what_changes_elsewhere_is_seen_without_a_reload(page: Page, head: dict[str, Any], platform: Platform) -> None:
    card = page.get_by_role("article")
    expect(card).to_contain_text("Judge")
    platform.post(f"/api/v1/results/{head['job']}/verdict", {"verdict": "rejected", "reason": "An artefact"})
    expect(card).to_contain_text("An artefact")
    expect(card.get_by_role("button", name="Take")).to_have_count(0)
