"""An issuer that is no URI, on a whole platform: the worklist, the study that comes of it, and who sees it."""

from __future__ import annotations

from typing import Any

import requests

from tests.imaging.asking import SOON, Hospital, order, patient, sent_slice
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD
from tests.server import until
from tests.worklist.asking import ask, question

ISSUER, SYSTEM = "HOSPITAL A", "urn:neuronova:issuer:HOSPITAL%20A"


def team(*members: str) -> list[dict[str, Any]]:
    """Return a Practitioner for each username, and the care team of them."""
    accounts = [
        {"resourceType": "Practitioner", "id": one, "identifier": [{"system": "urn:neuronova:account", "value": one}]}
        for one in members
    ]
    participants = [{"member": {"reference": f"Practitioner/{one}"}} for one in members]
    whose = {"subject": {"reference": "Patient/hong"}, "status": "active", "participant": participants}
    return [*accounts, {"resourceType": "CareTeam", "id": "team", **whose}]


def test_it_is_matched_and_seen_by_the_care_team(hospital: Hospital) -> None:
    platform = hospital.platform
    hospital.write(patient(identifier=[{"system": SYSTEM, "value": "P-100"}]), order())
    platform.allow("MODALITY", "store", "worklist")

    def issuers() -> list[str]:
        return [str(one.IssuerOfPatientID) for one in ask(platform, question(PatientID="P-100"), "MODALITY")[0]]

    until(lambda: issuers() == [ISSUER], "the worklist names the issuer as DICOM does", SOON)
    hospital.send(sent_slice(1, issuer=ISSUER))
    study = hospital.until_study(numberOfInstances=1, subject={"reference": "Patient/hong"})
    assert study["basedOn"] == [{"reference": "ServiceRequest/order-1"}]

    for name in ("inside", "outside"):
        platform.add_user(name, "doctor")
    hospital.write(*team("inside"))
    uid = study["identifier"][0]["value"].removeprefix("urn:oid:")
    paths = [f"/api/v1/fhir/ImagingStudy/{study['id']}", f"/dicom-web/studies/{uid}/metadata"]

    def seen(name: str) -> list[int]:
        header = {"Authorization": f"Bearer {platform.login(name, ADMIN_PASSWORD)['access_token']}"}
        return [requests.get(platform.url + path, headers=header, timeout=PATIENCE).status_code for path in paths]

    until(lambda: seen("inside") == [200, 200], "the care team sees record and images", SOON)
    assert seen("outside") == [404, 404]
