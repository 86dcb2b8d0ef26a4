"""The page of retention: a hold is placed on it, kept from who placed it, and lifted by another person."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.running import ADMIN_PASSWORD, Platform
from tests.viewer.viewing import Viewing

WHY = "Claim 7 of 2026, the court's letter"


@pytest.fixture
def page(viewing: Viewing) -> Page:
    return viewing.page


def test_a_hold_is_placed_seen_and_lifted_by_another(viewing: Viewing, page: Page, platform: Platform) -> None:
    platform.add_user("second-admin", "admin")
    page.goto("/console/studies")
    row = page.locator("#studies tr", has_text="DEMO").first
    row.get_by_role("link", name="Hold the study").click()
    expect(page.get_by_label("StudyInstanceUID")).to_have_value(page.url.partition("study=")[2])
    expect(page.locator("#holds")).to_have_text("Nothing is held.")
    page.get_by_role("button", name="Hold").click()
    expect(page.locator("#hold [role=alert]")).to_have_text(
        "Name a study or a patient, and a reason of 10 characters or more."
    )
    page.get_by_label("Reason", exact=True).fill(WHY)
    page.keyboard.press("Enter")
    held = page.locator("#holds tr")
    expect(held).to_contain_text(WHY)
    expect(page.locator("#held")).to_have_text("1")
    held.get_by_placeholder("Reason").fill("It was a mistake.")
    held.get_by_role("button", name="Lift").click()
    expect(held.locator("[role=alert]")).to_have_text("Who places a hold does not lift it: another person has to.")
    page.goto("/console/studies")
    expect(page.locator("#studies tr", has_text="under legal hold")).to_have_count(1)
    # What is refused on purpose, and nothing else.
    assert [one.partition("/api/")[2] for one in viewing.complaints] == ["v1/holds", "v1/holds/1/lift"]
    viewing.complaints.clear()
    page.goto("about:blank")  # a page asks for notifications by itself, and would be refused without a login
    page.context.clear_cookies()
    login = {"username": "second-admin", "password": ADMIN_PASSWORD}
    assert page.context.request.post("/api/v1/auth/login", data=login).ok
    page.goto("/console/retention")
    held.get_by_placeholder("Reason").fill("The claim was settled.")
    page.keyboard.press("Enter")
    expect(page.locator("#holds")).to_have_text("Nothing is held.")
    expect(page.locator("#due")).to_have_text("No study.")
    expect(page.locator("#departures")).to_contain_text("has left")
