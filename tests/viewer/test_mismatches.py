"""The page on which a technologist decides of studies that do not fit their order."""

from __future__ import annotations

from typing import Any

import requests
from playwright.sync_api import expect

from tests.imaging.asking import Hospital, sent_slice
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, Platform
from tests.server import until
from tests.viewer.viewing import Viewing

SOON = 15.0  # seconds


def held(hospital: Hospital) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hospital.ask("GET", "/mismatches").json()["mismatches"]
    return found


def test_a_technologist_sees_both_sides_and_decides(platform: Platform, viewing: Viewing) -> None:
    hospital = Hospital(platform)
    hospital.open()
    platform.add_user("matcher", "technologist")
    hospital.send(sent_slice(1, patient_id="P-999", PatientName="Kim^Chulsoo", PatientBirthDate="19900101"))
    hospital.send(sent_slice(1, study="kept", patient_id="P-998", PatientName="Lee^Sora", PatientSex="F"))
    until(lambda: len(held(hospital)) == 2, "both are held", SOON)
    page = viewing.page
    page.context.request.post("/api/v1/auth/login", data={"username": "matcher", "password": ADMIN_PASSWORD})
    page.goto("/console/mismatches")
    cards = page.locator(".mismatch")
    expect(cards).to_have_count(2)
    wrong, kept = cards.filter(has_text="Kim^Chulsoo"), cards.filter(has_text="Lee^Sora")
    row = wrong.get_by_role("row").filter(has_text="Patient ID")
    expect(row.get_by_role("cell")).to_have_text(["P-100", "P-999", "differs"])
    page.screenshot(path="tests/artefacts/mismatches.png", full_page=True)
    kept.get_by_role("button", name="As sent is right").click()
    expect(cards).to_have_count(1)
    (mismatch,) = held(hospital)
    # Somebody else decides first: the page says so and stays as it is.
    with page.expect_response(lambda one: one.request.method == "POST") as answered:
        page.route("**/mismatches/*", lambda route: route.continue_(post_data='{"decision": "undo"}'))
        wrong.get_by_role("button", name="The order's patient is right").click()
    assert answered.value.status == 409
    expect(wrong.get_by_role("alert")).to_contain_text("cannot be done")
    page.unroute("**/mismatches/*")
    viewing.complaints.clear()  # the browser tells of every 409
    wrong.get_by_role("button", name="The order's patient is right").click()
    expect(cards).to_have_count(0)  # the worker is at it, the page looks again
    expect(page.locator("#mismatches")).to_have_text("There is none.")
    page.locator("#state").select_option("corrected")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("button", name="Undo the correction")).to_be_visible()
    headers = hospital.header()
    done = requests.get(f"{platform.url}/api/v1/imaging/mismatches?state=corrected", headers=headers, timeout=PATIENCE)
    assert [one["id"] for one in done.json()["mismatches"]] == [mismatch["id"]]
