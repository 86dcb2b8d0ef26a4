"""A merge of patients as a modality sees it: the order is the target's, and the source's again after it is undone."""

from __future__ import annotations

import requests

from tests.imaging.asking import SOON, Hospital, order
from tests.merging.asking import a_patient, parameters
from tests.patience import PATIENCE
from tests.server import until
from tests.worklist.asking import ask, question


def listed(hospital: Hospital, patient_id: str = "") -> list[tuple[str, str, str]]:
    """Return PatientID, its issuer and name of the order's answers."""
    asked = question(AccessionNumber="ACC-1", PatientID=patient_id)
    answers = ask(hospital.platform, asked, "MODALITY")[0]
    return [(str(one.PatientID), str(one.IssuerOfPatientID), str(one.PatientName)) for one in answers]


def test_the_order_is_found_under_the_target(hospital: Hospital) -> None:
    source = a_patient("source", "S-1", name=[{"family": "Hong", "given": ["Wrong"]}])
    hospital.write(source, a_patient("target", "T-1"), order(subject={"reference": "Patient/source"}))
    hospital.platform.allow("MODALITY", "worklist")
    before, after = [("S-1", "urn:oid:2.16.840.1", "Hong^Wrong")], [("T-1", "urn:oid:2.16.840.1", "Hong^Gildong")]
    until(lambda: listed(hospital) == before, "the order is the source's", SOON)
    assert listed(hospital, "T-1") == []

    url = f"{hospital.platform.url}/api/v1/fhir/Patient/$merge"
    answer = requests.post(url, json=parameters(), headers=hospital.header(), timeout=PATIENCE)
    assert answer.status_code in (200, 202), answer.text
    until(lambda: listed(hospital) == after, "the order is the target's", SOON)
    assert listed(hospital, "T-1") == after
    assert listed(hospital, "S-1") == []

    (merge,) = hospital.ask("GET", "/merges").json()["merges"]
    undone = hospital.ask("POST", f"/merges/{merge['id']}", {"decision": "undo"})
    assert undone.status_code in (202, 204), undone.text
    until(lambda: listed(hospital) == before, "the order is the source's again", SOON)
