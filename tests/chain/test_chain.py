"""From an order to a signed report in the external FHIR server, in one run of the whole platform."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pydicom import Dataset, dcmread

from cdss_api.outbox.outgoing import version_of
from tests.browsing import ARTEFACTS, visiting, windows
from tests.chain.hospital import ACCESSION, ISSUER, PATIENT_ID, STATION, Hospital
from tests.chain.modality import Modality
from tests.emr.peer import Fault, Line
from tests.running import ADMIN_PASSWORD, Platform
from tests.server import until
from tests.viewer.viewing import LOADED

SLICES = 3
TEXT = "No haemorrhage. 출혈 없음."
CHAIN = ("Patient", "ServiceRequest", "ImagingStudy", "DiagnosticReport")
PHONE = [{"system": "phone", "value": "02-123-4567"}]


@pytest.mark.timeout(400)
def test_an_order_becomes_a_signed_report_elsewhere(
    platform: Platform, line: Line, browser: Browser, folder: Path
) -> None:
    hospital = Hospital(platform)
    hospital.open(line.url)
    now = datetime.now().astimezone()
    ids = hospital.order(now)
    order, day = ids["ServiceRequest"], now.date().isoformat()
    assert hospital.progress(order, day) == "scheduled"
    until(lambda: "ServiceRequest" in line.taken, "the external server has the order")

    line.down = True
    study = _examined(hospital, Modality(STATION, platform.settings, folder), ids)
    assert hospital.progress(order, day) == "in-progress"
    _change_phone(hospital, ids["Patient"])
    page = _logged_in(browser, platform, "rad")
    _read_and_sign(page, study["uid"])
    ids["ImagingStudy"] = study["id"]
    assert hospital.progress(order, day) == "signed"
    ids["DiagnosticReport"] = _report_of(hospital, ids)["id"]
    _printed_in_orthanc(hospital, study["uid"])
    assert "ImagingStudy" not in line.taken

    line.faults = [Fault.DROP_ANSWER, Fault.DROP_ANSWER]
    line.down = False
    until(lambda: _is_delivered(hospital), "the outbox is empty")
    assert line.faults == []
    _once_and_in_order(hospital, line, ids)
    _only_the_care_team_sees_it(hospital, ids, study["uid"])
    assert "The trail is whole" in hospital.platform.command("audit", "verify")


def _examined(hospital: Hospital, modality: Modality, ids: dict[str, str]) -> dict[str, str]:
    """Have the modality find the order and send its study; return the study's uid, and its ImagingStudy's id."""
    (entry,) = until(lambda: modality.find(PatientName="Hong*"), "the order is on the worklist")
    assert (entry.PatientID, entry.IssuerOfPatientID, entry.AccessionNumber) == (PATIENT_ID, ISSUER, ACCESSION)
    assert str(entry.PatientName) == "Hong^Gildong==홍^길동"
    assert modality.find(AccessionNumber="ANOTHER") == []
    modality.send(modality.examine(entry, SLICES))
    asked = f"ImagingStudy?identifier=urn:dicom:uid|urn:oid:{entry.StudyInstanceUID}"
    complete = until(
        lambda: [one for one in hospital.found(asked) if one["numberOfInstances"] == SLICES], "it is there"
    )
    (images,) = complete
    assert images["basedOn"] == [{"reference": f"ServiceRequest/{ids['ServiceRequest']}"}]
    assert images["subject"] == {"reference": f"Patient/{ids['Patient']}"}
    assert hospital.told("GET", "/api/v1/imaging/mismatches")["mismatches"] == []
    return {"uid": str(entry.StudyInstanceUID), "id": images["id"]}


def _change_phone(hospital: Hospital, patient: str) -> None:
    known = hospital.told("GET", f"/api/v1/fhir/Patient/{patient}")
    hospital.told("PUT", f"/api/v1/fhir/Patient/{patient}", known | {"telecom": PHONE})


def _logged_in(browser: Browser, platform: Platform, username: str) -> Page:
    context = visiting(browser, platform.url)
    page = context.new_page()
    page.goto("/console/reading")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/console/reading")
    return page


def _read_and_sign(page: Page, study: str) -> None:
    """Read the study as a radiologist does: list, viewer and editor."""
    row = page.locator(f'#rows tr[data-study="{study}"]')
    expect(row).to_contain_text("홍길동")
    expect(row).to_contain_text(ACCESSION)
    row.click()
    opened = windows(page, 3)
    (viewer,) = (one for one in opened if "/viewer" in one.url)
    (editor,) = (one for one in opened if "/console/report" in one.url)
    until(lambda: viewer.evaluate(LOADED), "an image in the viewer")
    editor.get_by_label("Report", exact=True).fill(TEXT)
    editor.get_by_role("button", name="Save draft").click()
    expect(editor.locator("#state")).to_contain_text("draft, version 1")
    editor.get_by_role("button", name="Sign", exact=True).click()
    editor.get_by_role("dialog").get_by_role("button", name="Sign").click()
    expect(editor.locator("#state")).to_contain_text("signed, version 2")
    expect(row).to_have_count(0)
    ARTEFACTS.mkdir(exist_ok=True)
    for name, one in (("list", page), ("viewer", viewer), ("editor", editor)):
        one.screenshot(path=ARTEFACTS / f"chain-{name}.png")
    page.context.close()


def _report_of(hospital: Hospital, ids: dict[str, str]) -> dict[str, Any]:
    (report,) = hospital.found(f"DiagnosticReport?based-on=ServiceRequest/{ids['ServiceRequest']}")
    assert (report["status"], report["conclusion"]) == ("final", TEXT)
    assert report["imagingStudy"] == [{"reference": f"ImagingStudy/{ids['ImagingStudy']}"}]
    return report


def _printed_in_orthanc(hospital: Hospital, study: str) -> None:
    """Find the report as a PDF beside the images, by DICOMweb (PS3.18 10.4, 10.6)."""
    instances = f"/dicom-web/studies/{study}/instances?Modality=DOC"

    def found() -> list[dict[str, Any]]:
        answer = hospital.ask("GET", instances, who="rad")
        return answer.json() if answer.status_code == 200 else []

    (pdf,) = until(found, "the report is in Orthanc")
    series, instance = (pdf[tag]["Value"][0] for tag in ("0020000E", "00080018"))
    file = hospital.ask("GET", f"/dicom-web/studies/{study}/series/{series}/instances/{instance}", who="rad")
    assert file.status_code == 200
    head, _, rest = file.content.partition(b"\r\n\r\n")
    assert b"application/dicom" in head
    stored: Dataset = dcmread(io.BytesIO(rest))
    assert stored.EncapsulatedDocument.startswith(b"%PDF-")
    assert (stored.PatientID, stored.AccessionNumber, stored.StudyInstanceUID) == (PATIENT_ID, ACCESSION, study)
    assert str(stored.PatientName) == "Hong^Gildong==홍^길동"


def _is_delivered(hospital: Hospital) -> bool:
    targets = hospital.told("GET", "/api/v1/outbox/targets")["targets"]
    assert [one["dead"] for one in targets if one["dead"]] == []
    return not any(one["waiting"] for one in targets)


def _once_and_in_order(hospital: Hospital, line: Line, ids: dict[str, str]) -> None:
    """Compare the external server with ours: one of each, the same versions, in order, each naming the others'."""
    theirs = {kind: line.one(kind, ids[kind]) for kind in CHAIN}
    assert [kind for kind in line.taken if kind in CHAIN] == list(CHAIN)
    for kind, one in theirs.items():
        ours = hospital.told("GET", f"/api/v1/fhir/{kind}/{ids[kind]}")
        versions = [version_of(version) for version in reversed(line.history(kind, one["id"]))]
        assert versions == list(range(1, int(ours["meta"]["versionId"]) + 1)), kind
    references = {kind: {"reference": f"{kind}/{one['id']}"} for kind, one in theirs.items()}
    assert theirs["Patient"]["telecom"] == PHONE
    assert all(theirs[kind]["subject"] == references["Patient"] for kind in CHAIN[1:])
    assert theirs["ImagingStudy"]["basedOn"] == [references["ServiceRequest"]]
    report = theirs["DiagnosticReport"]
    assert (report["status"], report["conclusion"]) == ("final", TEXT)
    assert (report["basedOn"], report["imagingStudy"]) == ([references["ServiceRequest"]], [references["ImagingStudy"]])
    (performer,) = report["resultsInterpreter"]
    kind, _, remote = performer["reference"].partition("/")
    assert kind == "Practitioner"
    assert line.history(kind, remote)[0]["identifier"][0]["value"] == "rad"


def _only_the_care_team_sees_it(hospital: Hospital, ids: dict[str, str], study: str) -> None:
    paths = [f"/api/v1/fhir/{kind}/{ids[kind]}" for kind in CHAIN] + [f"/dicom-web/studies/{study}/metadata"]
    seen = {
        who: {path: hospital.ask("GET", path, who=who).status_code for path in paths} for who in ("doctor", "other")
    }
    assert seen == {"doctor": dict.fromkeys(paths, 200), "other": dict.fromkeys(paths, 404)}
