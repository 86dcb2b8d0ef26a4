"""A doctor's day in a real browser: log in, read one's own patients, break the glass, measure, log out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Error, Page, expect

from neuronova.demo.studies import SUBJECTS
from tests.browsing import ARTEFACTS
from tests.running import ADMIN_PASSWORD, Platform
from tests.server import until
from tests.viewer.viewing import LOADED

OWN, FOREIGN = SUBJECTS[0], SUBJECTS[1]


@pytest.fixture(scope="module")
def doctor(platform: Platform) -> str:
    """An account that sees the first of the demo's patients."""
    account = platform.add_user("doctor", "doctor")
    platform.post(f"/api/v1/users/{account}/grants", {"patient_id": OWN.patient_id})
    return "doctor"


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    page = context.new_page()
    yield page
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{request.node.name}.png")


def log_in(page: Page, username: str, password: str = ADMIN_PASSWORD) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def study_of(platform: Platform, patient: str) -> str:
    found: list[dict[str, Any]] = platform.get(f"/dicom-web/studies?PatientID={patient}").json()
    return str(found[0]["0020000D"]["Value"][0])


def test_who_is_not_logged_in_is_asked_to(page: Page, doctor: str) -> None:
    page.goto("/")
    expect(page).to_have_url(re.compile(r"/login\?next=%2F$"))
    log_in(page, doctor, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    log_in(page, doctor)
    page.get_by_text("Study List").first.wait_for()


def test_a_doctor_sees_their_own_patients(page: Page, doctor: str) -> None:
    page.goto("/login")
    log_in(page, doctor)
    page.get_by_text(OWN.description, exact=True).first.wait_for()
    assert page.get_by_text(FOREIGN.description, exact=True).count() == 0
    expect(page.get_by_text("Doctor", exact=True).first).to_be_visible()


def test_a_foreign_study_is_opened_in_an_emergency(platform: Platform, page: Page, doctor: str) -> None:
    open_in_an_emergency(page, doctor, study_of(platform, FOREIGN.patient_id))


def open_in_an_emergency(page: Page, username: str, study: str) -> None:
    page.goto(f"/viewer?StudyInstanceUIDs={study}")
    log_in(page, username)
    page.get_by_text("No such study").first.wait_for()
    page.get_by_label("Reason").fill("Unconscious in the emergency room")
    page.get_by_role("button", name="Open in an emergency").click()
    page.wait_for_url("**/viewer?**")
    until(lambda: loaded(page) > 0, "an image is shown")


def loaded(page: Page) -> int:
    try:
        count: int = page.evaluate(LOADED)
    except Error:  # the page is being left
        return 0
    return count


def test_a_nurse_is_not_offered_to(platform: Platform, page: Page) -> None:
    platform.add_user("nurse", "nurse")
    page.goto("/viewer?StudyInstanceUIDs=1.2.3.4")
    log_in(page, "nurse")
    page.get_by_text("No such study").first.wait_for()
    expect(page.get_by_role("button", name="Open in an emergency")).to_be_hidden()


def test_reading_goes_on_past_the_life_of_a_token(
    platform: Platform, context: BrowserContext, page: Page, doctor: str
) -> None:
    """The access token is taken away, as its expiry does; the viewer gets another one and shows the study."""
    study = study_of(platform, OWN.patient_id)
    page.goto(f"/viewer?StudyInstanceUIDs={study}")
    log_in(page, doctor)
    until(lambda: loaded(page) > 0, "an image is shown")
    context.clear_cookies(name="neuronova_session")
    page.goto(f"/viewer?StudyInstanceUIDs={study}")
    until(lambda: loaded(page) > 0, "an image is shown")
    context.clear_cookies()
    page.goto(f"/viewer?StudyInstanceUIDs={study}")
    log_in(page, doctor)
    page.wait_for_url(f"**/viewer?StudyInstanceUIDs={study}")
    until(lambda: loaded(page) > 0, "an image is shown")


def test_logging_out_ends_it(page: Page, context: BrowserContext, doctor: str) -> None:
    page.goto("/login")
    log_in(page, doctor)
    page.locator("#log-out").first.click()
    page.wait_for_url("**/login")
    assert context.request.get("/dicom-web/studies").status == 401
    page.goto("/")
    page.wait_for_url("**/login?**")


def test_the_privacy_officer_sees_it_all(platform: Platform, context: BrowserContext, page: Page) -> None:
    study = study_of(platform, FOREIGN.patient_id)
    platform.add_user("night-doctor", "doctor")
    open_in_an_emergency(page, "night-doctor", study)
    page.goto("about:blank")  # the viewer asks for more images, which would be denials without its token
    context.clear_cookies()
    page.goto("/console/audit")
    log_in(page, "admin")
    page.get_by_text("Emergency access in force").wait_for()
    expect(page.locator("#broken")).to_contain_text("night-doctor opened DEMO-0002")
    expect(page.locator("#broken")).to_contain_text("Unconscious in the emergency room")
    page.get_by_label("Patient ID").fill(FOREIGN.patient_id)
    page.get_by_role("button", name="Show").click()
    rows = page.locator("#records tr")
    expect(rows.first).to_contain_text("denied")
    expect(rows.first).to_contain_text("not-found")
    expect(rows.first).to_contain_text("night-doctor")
    expect(rows.filter(has_text="break-glass").first).to_be_visible()
    expect(rows.filter(has_text=study).first).to_be_visible()
    assert page.locator("#chart rect").count() > 0


def test_a_study_link_opens_its_study(platform: Platform, page: Page) -> None:
    study = study_of(platform, OWN.patient_id)
    link = platform.post("/api/v1/links", {"studies": [study], "store": False, "expires_in": 600})
    page.goto(link["url"])
    until(lambda: loaded(page) > 0, "an image is shown")
