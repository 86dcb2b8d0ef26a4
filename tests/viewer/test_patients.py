"""The page on which an admin merges two records of one person."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.imaging.asking import Hospital, sent_slice
from tests.merging.asking import a_patient
from tests.running import ADMIN_PASSWORD, Platform
from tests.server import until
from tests.viewer.viewing import Viewing

ISSUER = "urn:oid:2.16.840.1"


def test_an_admin_compares_previews_merges_and_undoes(platform: Platform, viewing: Viewing) -> None:
    hospital = Hospital(platform)
    names = {"twice-old": "Gildong", "twice-new": "Gil-dong"}
    for id_, given in names.items():
        name = [{"family": "Twiceborn", "given": [given]}]
        hospital.write(a_patient(id_, id_.upper(), name=name, gender="male"))
    more: dict[str, Any] = {"patient_id": "TWICE-OLD", "issuer": ISSUER, "AccessionNumber": "", "study": "merged-ct"}
    hospital.send(*(sent_slice(number, **more) for number in (1, 2, 3)))
    until(lambda: hospital.found("ImagingStudy?patient=twice-old"), "the study is there")
    page = viewing.page
    page.context.request.post("/api/v1/auth/login", data={"username": "admin", "password": ADMIN_PASSWORD})
    page.goto("/console/patients")
    for side, found in (("#source", "TWICE-OLD"), ("#target", "TWICE-NEW")):
        page.locator(f"{side} input").fill("twiceborn" if side == "#source" else found)
        page.locator(f"{side} form button").click()
        page.locator(f"{side} .found button").filter(has_text=found).click()
    row = page.locator("#compared").get_by_role("row").filter(has_text="Name")
    expect(row.get_by_role("cell")).to_have_text(["Twiceborn Gildong", "Twiceborn Gil-dong", "differs"])
    expect(page.locator("#compared").get_by_role("row").filter(has_text="Studies")).to_contain_text("(3 objects)")
    expect(page.locator("#merge")).to_be_disabled()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#told")).to_contain_text("Studies that would follow: 1, with 3 objects.")
    page.screenshot(path="tests/artefacts/patients-preview.png", full_page=True)
    page.get_by_role("button", name="Merge", exact=True).click()
    card = page.locator(".merge")
    expect(card).to_have_count(1)
    expect(card.get_by_role("button", name="Confirm")).to_be_visible()
    page.screenshot(path="tests/artefacts/patients-merged.png", full_page=True)
    assert hospital.found("ImagingStudy?patient=twice-new")
    card.get_by_role("button", name="Undo").click()
    expect(card).to_have_count(0)
    until(lambda: hospital.found("ImagingStudy?patient=twice-old"), "it is as it was")
