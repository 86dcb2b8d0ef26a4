"""A working day in a real browser: a patient arrives, the study is read, the report is written and signed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, expect

from neuronova.demo.studies import SUBJECTS
from tests.browsing import ARTEFACTS, windows
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, Platform
from tests.server import until
from tests.viewer.viewing import LOADED
from tests.worklist.orders import typed

TEXT = "No haemorrhage. 출혈 없음."
REASON = "The patient did not come"


@pytest.fixture(scope="module")
def orders(platform: Platform) -> list[dict[str, Any]]:
    """A radiologist and a technologist, and today's order of two of the demo's patients, one of which has its study."""
    platform.add_user("rad", "radiologist")
    platform.add_user("tech", "technologist")
    token = platform.login()["access_token"]

    def ask(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
        url = f"{platform.url}/api/v1/fhir/{path}"
        answer = requests.request(
            method, url, data=json.dumps(body) if body else None, headers=headers, timeout=PATIENCE
        )
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def based_on(order: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = ask("GET", f"ImagingStudy?based-on=ServiceRequest/{order}").get("entry", [])
        return entries

    made = []
    for subject, priority in zip(SUBJECTS[:2], ("stat", "routine"), strict=True):
        asked = f"Patient?identifier=urn:neuronova:patient-id|{subject.patient_id}"
        (entry,) = until(lambda asked=asked: ask("GET", asked).get("entry"), "the platform knows the patient")  # type: ignore[misc]
        patient = entry["resource"] | {"name": [{"family": "Hong"}, {"family": "홍"}], "birthDate": "1980-02-03"}
        whose = f"Patient/{patient['id']}"
        ask("PUT", whose, patient)
        order = {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "priority": priority,
            "identifier": [typed("ACSN", subject.accession_number)],
            "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "363679005"}]}],
            "code": {"text": "CT of the head"},
            "reasonCode": [{"text": "Headache"}],
            "subject": {"reference": whose},
            "occurrenceDateTime": datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
        }
        order = ask("POST", "ServiceRequest", order)
        until(lambda order=order: based_on(order["id"]), "the study is of this order")  # type: ignore[misc]
        study = platform.get(f"/dicom-web/studies?PatientID={subject.patient_id}").json()[0]["0020000D"]["Value"][0]
        made.append({"order": order["id"], "study": study, "patient": subject.patient_id})
    kept = {name: value for name, value in order.items() if name not in ("id", "meta", "identifier")}
    waiting = ask("POST", "ServiceRequest", kept | {"code": {"text": "MR of the knee"}})
    return [*made, {"order": waiting["id"]}]


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    page = context.new_page()
    yield page
    ARTEFACTS.mkdir(exist_ok=True)
    for number, one in enumerate(context.pages):
        one.screenshot(path=ARTEFACTS / f"{request.node.name}-{number}.png", full_page=True)


def log_in(page: Page, username: str, path: str) -> None:
    page.context.request.post("/api/v1/auth/login", data={"username": username, "password": ADMIN_PASSWORD})
    page.goto(path)


def row_of(page: Page, study: str) -> Any:
    return page.locator(f'#rows tr[data-study="{study}"]')


def opened(page: Page, orders: list[dict[str, Any]]) -> tuple[Page, Page]:
    """Choose the first study by a click; return the viewer and the editor."""
    row_of(page, orders[0]["study"]).click()
    pages = windows(page, 3)
    viewer = next(one for one in pages if "/viewer" in one.url)
    editor = next(one for one in pages if "/console/report" in one.url)
    return viewer, editor


def test_who_is_not_logged_in_comes_back_after_the_login(page: Page, orders: list[dict[str, Any]]) -> None:
    page.goto("/console/reading")
    expect(page).to_have_url(re.compile(r"/login\?next=%2Fconsole%2Freading$"))


def test_a_technologist_says_who_has_arrived_and_what_was_not_done(page: Page, orders: list[dict[str, Any]]) -> None:
    log_in(page, "tech", "/console/worklist")
    row = page.locator(f'tr[data-order="{orders[2]["order"]}"]')
    expect(row).to_contain_text("scheduled")
    row.get_by_role("button", name="Arrived").click()
    expect(row.locator(".tag").last).to_have_text("arrived")
    row.get_by_role("button", name="Not done").click()
    page.get_by_label("Why was it not done?").fill(REASON)
    page.get_by_role("dialog").get_by_role("button", name="Not done").click()
    expect(row).to_contain_text(REASON)
    page.get_by_label("Day").fill("2020-01-01")
    expect(page.get_by_text("No examination is planned for this day.")).to_be_visible()
    page.get_by_role("button", name="Today").click()
    row.get_by_role("button", name="Done", exact=True).click()
    expect(row).to_contain_text("in progress")


def test_the_filters_are_remembered(page: Page, orders: list[dict[str, Any]]) -> None:
    log_in(page, "rad", "/console/reading")
    expect(page.locator("#rows tr").filter(has_text="DEMO-000")).to_have_count(3)
    page.get_by_label("Priority").select_option("stat")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.reload()
    expect(page.locator("#rows tr")).to_have_count(1)
    page.get_by_label("Patient or description").fill("nobody")
    expect(page.get_by_text("Nothing waits that fits these filters.")).to_be_visible()


def test_list_viewer_and_editor_move_together(page: Page, orders: list[dict[str, Any]]) -> None:
    log_in(page, "rad", "/console/reading")
    first, second = (one["study"] for one in orders[:2])
    viewer, editor = opened(page, orders)
    expect(editor.locator("#about")).to_contain_text(orders[0]["patient"])
    expect(editor.locator("#away")).to_be_hidden()
    page.bring_to_front()
    page.keyboard.press("j")
    expect(viewer).to_have_url(re.compile(re.escape(second)))
    expect(editor).to_have_url(re.compile(re.escape(second)))
    page.keyboard.press("k")
    expect(editor).to_have_url(re.compile(re.escape(first)))
    expect(viewer).to_have_url(re.compile(re.escape(first)))
    viewer.goto(f"/viewer?StudyInstanceUIDs={second}")
    expect(editor.locator("#away")).to_contain_text(second)


def test_a_report_is_written_lost_found_and_signed(page: Page, orders: list[dict[str, Any]]) -> None:
    log_in(page, "rad", "/console/reading")
    viewer, editor = opened(page, orders)
    until(lambda: viewer.evaluate(LOADED), "an image in the viewer")
    editor.get_by_text("Key images").first.click()
    editor.get_by_role("button", name="Add the image in the viewer").click()
    expect(editor.get_by_role("list", name="Key images").get_by_role("listitem")).to_contain_text("frame 1")
    editor.get_by_label("Template").select_option(label="CT head (en)")
    expect(editor.get_by_label("Report", exact=True)).to_have_value(re.compile("Indication: Headache"))
    cookies: Any = page.context.cookies()
    page.context.clear_cookies()  # the login is lost
    editor.get_by_label("Report", exact=True).fill(TEXT)
    editor.get_by_role("button", name="Save draft").click()
    expect(editor).to_have_url(re.compile("/login"))
    page.context.add_cookies(cookies)
    page.goto("/console/reading")  # which looks for what is new by itself, and may have been sent to the login too
    editor.goto(f"/console/report?study={orders[0]['study']}")
    expect(editor.locator("#message")).to_contain_text("unsaved text is back")
    expect(editor.get_by_label("Report", exact=True)).to_have_value(TEXT)
    editor.get_by_label("Coded conclusion", exact=True).select_option(label="Normal")
    editor.get_by_role("button", name="Save draft").click()
    expect(editor.locator("#state")).to_have_text(re.compile("^draft, version 1 of [^·]*$"))
    expect(row_of(page, orders[0]["study"])).to_contain_text("draft")
    editor.get_by_role("button", name="Sign", exact=True).click()
    editor.get_by_role("dialog").get_by_role("button", name="Sign").click()
    expect(editor.locator("#state")).to_contain_text("signed, version 2")
    expect(row_of(page, orders[0]["study"])).to_have_count(0)
    editor.get_by_label("Report", exact=True).fill(f"{TEXT} Addendum.")
    editor.get_by_role("button", name="Sign amendment").click()
    editor.get_by_role("dialog").get_by_role("button", name="Sign").click()
    expect(editor.locator("#state")).to_contain_text("amended, version 3")
    editor.get_by_text("3 · amended · Rad").click()
    editor.get_by_role("button", name="Changes since 2").click()
    expect(editor.locator("#versions ins")).to_contain_text("Addendum.")


def test_two_editors_of_one_report(page: Page, orders: list[dict[str, Any]]) -> None:
    log_in(page, "rad", f"/console/report?study={orders[1]['study']}")
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_label("Report", exact=True).fill("The other's text")
    other.get_by_role("button", name="Save draft").click()
    expect(other.locator("#state")).to_contain_text("draft, version 1")
    page.get_by_label("Report", exact=True).fill("My text")
    page.get_by_role("button", name="Save draft").click()
    page.get_by_role("button", name="Compare with the saved version").click()
    expect(page.locator("#versions pre").first).to_have_text("The other's text")
    expect(page.get_by_label("Report", exact=True)).to_have_value("My text")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator("#state")).to_contain_text("draft, version 2")
