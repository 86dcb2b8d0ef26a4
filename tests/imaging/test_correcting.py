"""A study sent as the wrong patient is held, and decided upon: what Orthanc and the record say afterwards."""

from __future__ import annotations

import io
from typing import Any

from pydicom import Dataset, dcmread

from tests.imaging.asking import SOON, Hospital, sent_slice
from tests.server import until
from tests.synthetic import uid

LONG = 30.0  # seconds
ORDER = [{"reference": "ServiceRequest/order-1"}]
WRONG = {"patient_id": "P-999", "PatientName": "Kim^Chulsoo", "PatientBirthDate": "19900101"}


def held(hospital: Hospital, state: str = "held") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hospital.ask("GET", f"/mismatches?state={state}").json()["mismatches"]
    return found


def decide(hospital: Hospital, mismatch: str, decision: str) -> None:
    """Decide, and wait until the worker has done what follows."""
    answer = hospital.ask("POST", f"/mismatches/{mismatch}", {"decision": decision})
    assert answer.status_code == (204 if decision == "keep" else 202), answer.text
    after = {"keep": "kept", "correct": "corrected", "undo": "undone"}[decision]
    until(lambda: mismatch in {one["id"] for one in held(hospital, after)}, f"it is {after}", LONG)


def stored(hospital: Hospital) -> list[Dataset]:
    """Return all objects of Orthanc, by their number."""
    found = []
    for one in hospital.orthanc("GET", "/instances"):
        found.append(dcmread(io.BytesIO(hospital.file(one))))
    return sorted(found, key=lambda one: int(one.InstanceNumber))


def test_a_mismatch_is_held_corrected_and_undone(hospital: Hospital) -> None:
    objects = [sent_slice(1, **WRONG), sent_slice(2, **WRONG)]
    hospital.send(*objects)
    study = hospital.until_study(numberOfInstances=2)
    (mismatch,) = held(hospital)
    (wrong,) = hospital.found("Patient?identifier=HOSPITAL|P-999")
    assert study["subject"] == {"reference": f"Patient/{wrong['id']}"}
    assert "basedOn" not in study
    assert (mismatch["reason"], mismatch["order"]) == ("accession-of-another-patient", "order-1")
    differing = {one["field"]: (one["ordered"], one["sent"]) for one in mismatch["differences"]}
    assert differing["PatientID"] == ("P-100", "P-999")
    assert differing["PatientName"] == ("Hong^Gildong=洪^吉洞=홍^길동", "Kim^Chulsoo")
    decide(hospital, mismatch["id"], "correct")
    corrected = stored(hospital)
    assert {(one.PatientID, one.IssuerOfPatientID, str(one.PatientName)) for one in corrected} == {
        ("P-100", "HOSPITAL", "Hong^Gildong=洪^吉洞=홍^길동")
    }
    for before, after in zip(objects, corrected, strict=True):
        uids = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        assert [after[name].value for name in uids] == [before[name].value for name in uids]
        assert after.PixelData == before.PixelData
        (original,) = after.OriginalAttributesSequence
        assert original.ModifiedAttributesSequence[0].PatientID == "P-999"
    right = hospital.until_study(numberOfInstances=2, basedOn=ORDER)
    assert right["subject"] == {"reference": "Patient/hong"}
    assert held(hospital) == []
    (done,) = held(hospital, "corrected")
    decide(hospital, done["id"], "undo")
    assert {(one.PatientID, str(one.PatientName)) for one in stored(hospital)} == {("P-999", "Kim^Chulsoo")}
    until(lambda: [one["order"] for one in held(hospital)] == ["order-1"], "it is held again", SOON)
    again = hospital.until_study(numberOfInstances=2, subject={"reference": f"Patient/{wrong['id']}"})
    assert "basedOn" not in again


def test_same_patient_id_of_another_issuer_is_corrected_and_another_is_kept(hospital: Hospital) -> None:
    hospital.send(sent_slice(1, issuer="ELSEWHERE"), sent_slice(1, study="kept", patient_id="P-998"))
    until(lambda: len(held(hospital)) == 2, "both are held", SOON)
    by_study = {one["study"]: one["id"] for one in held(hospital)}
    decide(hospital, by_study[uid("imaging")], "correct")
    decide(hospital, by_study[uid("kept")], "keep")
    fits = {"basedOn": ORDER, "subject": {"reference": "Patient/hong"}}

    def subjects() -> list[bool]:
        return sorted(all(one.get(name) == value for name, value in fits.items()) for one in hospital.studies())

    until(lambda: subjects() == [False, True], f"one is the order's: {hospital.studies()}", SOON)
    assert held(hospital) == []
    (kept,) = held(hospital, "kept")
    assert hospital.ask("POST", f"/mismatches/{kept['id']}", {"decision": "correct"}).status_code == 409
    hospital.send(sent_slice(2, study="kept", patient_id="P-998"))
    until(lambda: any(one["numberOfInstances"] == 2 for one in hospital.studies()), "the kept one grows", SOON)
    assert held(hospital) == []
