"""The pages of who runs the platform: the overview, and the stored studies with their HTJ2K."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.running import Platform
from tests.server import ENCODED, until
from tests.viewer.viewing import Viewing

OVERVIEW = re.compile(r"/api/v1/overview\?")


@pytest.fixture
def page(viewing: Viewing) -> Page:
    return viewing.page


def tile(page: Page, name: str) -> str:
    return page.locator(".tile", has_text=name).locator("strong").inner_text()


def until_encoded(platform: Platform) -> None:
    def waiting() -> int:
        return int(platform.get("/health").json()["parts"]["workers"].get("backlog", -1))

    until(lambda: waiting() == 0, "everything is encoded", ENCODED)


def test_the_overview_says_what_the_parts_say(page: Page, platform: Platform) -> None:
    until_encoded(platform)
    page.goto("/console/overview")
    health = platform.get("/health").json()
    expect(page.locator("#parts tr")).to_have_count(len(health["parts"]))
    expect(page.locator("#parts tr", has_text="orthanc")).to_contain_text(health["parts"]["orthanc"]["version"])
    assert tile(page, "parts are well") == f"{len(health['parts'])} of {len(health['parts'])}"
    assert int(tile(page, "studies received today")) >= 3  # the demonstration's
    assert tile(page, "wait for HTJ2K") == "0"
    expect(page.locator("#came rect")).to_have_count(14)
    expect(page.locator("#jobs")).to_have_attribute("aria-label", re.compile(r"[1-9]\d* succeeded"))
    expect(page.locator("#age")).to_have_text(re.compile(r"^\d+ s old$"))
    page.locator(".tile", has_text="received today").click()
    expect(page).to_have_url(re.compile("/console/studies$"))


def test_the_overview_asks_again_and_stops_where_nobody_looks(page: Page) -> None:
    page.clock.install()
    page.goto("/console/overview")
    expect(page.locator("#parts tr").first).to_be_visible()
    with page.expect_response(OVERVIEW):
        page.clock.run_for(10_500)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if OVERVIEW.search(one.url) else None)
    page.evaluate("Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })")
    page.clock.run_for(60_000)
    assert asked == []
    with page.expect_response(OVERVIEW):
        page.evaluate(
            "Object.defineProperty(document, 'visibilityState', { value: 'visible' });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
    assert len(asked) == 1


def test_studies_are_found_with_the_state_of_their_htj2k(page: Page, platform: Platform) -> None:
    until_encoded(platform)
    page.goto("/console/studies")
    expect(page.locator("#total")).to_contain_text("of")
    first = page.locator("#studies tr", has_text="DEMO").first
    expect(first).to_contain_text("encoded")
    expect(first.locator("td").nth(7)).to_have_text(re.compile(r"^\d+\.\d\d\s:\s1$"))
    patient = re.search(r"· (\S+)$", first.locator("td").nth(1).inner_text().partition(" / ")[0])
    assert patient is not None
    page.get_by_label("Patient ID").fill(patient[1])
    page.keyboard.press("Enter")
    # The form takes the next search once this one is answered.
    expect(page.locator("#total")).to_have_text("1 to 1 of 1")
    expect(page.locator("#studies td:nth-child(2)")).to_contain_text(patient[1])
    page.get_by_label("Patient ID").fill("NOBODY")
    page.keyboard.press("Enter")
    expect(page.locator("#studies")).to_have_text("There is no such study.")
    page.get_by_label("Patient ID").fill("")
    page.get_by_label("Received on").fill("2020-01-01")
    page.keyboard.press("Enter")
    expect(page.locator("#studies")).to_have_text("There is no such study.")


def test_what_is_encoded_is_not_encoded_again(platform: Platform) -> None:
    token = {"Authorization": f"Bearer {platform.login()['access_token']}"}
    (study,) = platform.get("/api/v1/studies?limit=1", **token).json()["studies"]
    assert platform.post(f"/api/v1/studies/{study['id']}/encode", {}) == {"noted": 0}
    answer = platform.get("/api/v1/studies?limit=101", **token)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
