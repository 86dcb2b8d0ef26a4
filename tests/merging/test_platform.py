"""A merge of a patient with a CT and an MR, on a whole platform: the images, whose they are, and the way back."""

from __future__ import annotations

import io
import os
import signal
from typing import Any

import requests
from pydicom import Dataset, dcmread

from tests.imaging.asking import Hospital, sent_slice
from tests.merging.asking import a_patient, parameters
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD
from tests.server import until

LONG = 60.0  # seconds
ISSUER = "urn:oid:2.16.840.1"
SLICES = 3


def objects(hospital: Hospital) -> dict[str, tuple[Dataset, bytes]]:
    """Return what Orthanc has, by SOPInstanceUID: read, and as it is."""
    found: dict[str, tuple[Dataset, bytes]] = {}
    for one in hospital.orthanc("GET", "/instances"):
        content = hospital.file(one)
        dataset = dcmread(io.BytesIO(content))
        found[str(dataset.SOPInstanceUID)] = (dataset, content)
    return found


def encoded(hospital: Hospital) -> int:
    """Return of how many instances the HTJ2K representation is there."""
    instances = hospital.orthanc("GET", "/instances")
    return sum("htj2k" in hospital.orthanc("GET", f"/instances/{one}/attachments") for one in instances)


def sent(hospital: Hospital, count: int = SLICES) -> None:
    """Write both patients down, and send the source's CT and MR."""
    hospital.platform.allow("MODALITY")
    hospital.write(a_patient("source", "S-1", gender="male"), a_patient("target", "T-1", gender="male"))
    for study, modality in (("ct", "CT"), ("mr", "MR")):
        more: dict[str, Any] = {"Modality": modality, "AccessionNumber": modality, "PatientName": "Hong^Wrong"}
        hospital.send(
            *(
                sent_slice(number, study=study, patient_id="S-1", issuer=ISSUER, **more)
                for number in range(1, count + 1)
            )
        )
    until(lambda: counted(hospital, "source") == [count, count], "both studies are the source's", LONG)


def counted(hospital: Hospital, patient: str) -> list[int]:
    """Return how many instances the ImagingStudies of a patient have."""
    return [one["numberOfInstances"] for one in hospital.found(f"ImagingStudy?patient={patient}")]


def merged(hospital: Hospital) -> str:
    url = f"{hospital.platform.url}/api/v1/fhir/Patient/$merge"
    answer = requests.post(url, json=parameters(), headers=hospital.header(), timeout=PATIENCE)
    assert answer.status_code == 202, answer.text
    return answer.headers["Content-Location"].rpartition("/")[2]


def merge_of(hospital: Hospital, merge: str) -> dict[str, Any]:
    found: dict[str, Any] = hospital.ask("GET", f"/merges/{merge}").json()
    return found


def until_state(hospital: Hospital, merge: str, state: str) -> dict[str, Any]:
    until(lambda: merge_of(hospital, merge)["state"] == state, f"it is {state}: {merge_of(hospital, merge)}", LONG)
    return merge_of(hospital, merge)


def decide(hospital: Hospital, merge: str, decision: str) -> int:
    return hospital.ask("POST", f"/merges/{merge}", {"decision": decision}).status_code


def doctor(hospital: Hospital, username: str, patient_id: str) -> dict[str, str]:
    """Add a doctor of a patient; return their header."""
    account = hospital.platform.add_user(username, "doctor")
    hospital.platform.post(f"/api/v1/users/{account}/grants", {"patient_id": patient_id, "issuer": ISSUER})
    token = hospital.platform.login(username, ADMIN_PASSWORD)["access_token"]
    return {"Authorization": f"Bearer {token}"}


def sees(hospital: Hospital, header: dict[str, str]) -> int:
    """Return how many studies somebody finds by DICOMweb."""
    answer = requests.get(f"{hospital.platform.url}/dicom-web/studies", headers=header, timeout=PATIENCE)
    return len(answer.json()) if answer.status_code == 200 else 0


def test_images_and_records_go_to_the_target_and_come_back(hospital: Hospital) -> None:
    sent(hospital)
    until(lambda: encoded(hospital) == 2 * SLICES, "HTJ2K is there", LONG)
    before = objects(hospital)
    ids = sorted(one["id"] for one in hospital.studies())
    of_source, of_target = doctor(hospital, "kim", "S-1"), doctor(hospital, "lee", "T-1")
    until(
        lambda: (sees(hospital, of_source), sees(hospital, of_target)) == (2, 0), "the source's doctor sees them", LONG
    )
    merge = merged(hospital)
    done = until_state(hospital, merge, "merged")
    assert (done["correction"]["done"], done["correction"]["total"]) == (2 * SLICES, 2 * SLICES)
    after = objects(hospital)
    assert after.keys() == before.keys()
    for uid, (dataset, _) in after.items():
        was = before[uid][0]
        assert (dataset.PatientID, dataset.IssuerOfPatientID, str(dataset.PatientName)) == (
            "T-1",
            ISSUER,
            "Hong^Gildong",
        )
        assert (dataset.StudyInstanceUID, dataset.SeriesInstanceUID) == (was.StudyInstanceUID, was.SeriesInstanceUID)
        assert dataset.AccessionNumber == was.AccessionNumber
        assert dataset.PixelData == was.PixelData
    until(lambda: counted(hospital, "target") == [SLICES, SLICES], "the ImagingStudies are the target's", LONG)
    until(lambda: sorted(one["id"] for one in hospital.studies()) == ids, "they are the same resources", LONG)
    assert counted(hospital, "source") == []
    until(
        lambda: (sees(hospital, of_source), sees(hospital, of_target)) == (0, 2), "the target's doctor sees them", LONG
    )
    until(lambda: encoded(hospital) == 2 * SLICES, "HTJ2K is there again", LONG)
    assert frames_as_htj2k(hospital, of_target) == SLICES
    assert decide(hospital, merge, "undo") == 202
    until_state(hospital, merge, "undone")
    assert {uid: content for uid, (_, content) in objects(hospital).items()} == {
        uid: content for uid, (_, content) in before.items()
    }
    until(lambda: counted(hospital, "source") == [SLICES, SLICES], "they are the source's again", LONG)
    until(lambda: sorted(one["id"] for one in hospital.studies()) == ids, "and still the same", LONG)
    until(lambda: (sees(hospital, of_source), sees(hospital, of_target)) == (2, 0), "as before", LONG)
    until(lambda: encoded(hospital) == 2 * SLICES, "HTJ2K is there as before", LONG)


def frames_as_htj2k(hospital: Hospital, header: dict[str, str]) -> int:
    """Return how many frames of the first study are served as HTJ2K."""
    root = f"{hospital.platform.url}/dicom-web/studies"
    study = requests.get(root, headers=header, timeout=PATIENCE).json()[0]["0020000D"]["Value"][0]
    served = 0
    for one in requests.get(f"{root}/{study}/instances", headers=header, timeout=PATIENCE).json():
        series, instance = (one[tag]["Value"][0] for tag in ("0020000E", "00080018"))
        url = f"{root}/{study}/series/{series}/instances/{instance}/frames/1"
        accept = {"Accept": 'multipart/related; type="image/jphc"'}
        answer = requests.get(url, headers=header | accept, timeout=PATIENCE)
        served += answer.status_code == 200 and b"image/jphc" in answer.content[:500]
    return served


def test_a_killed_worker_loses_nothing_and_goes_on(hospital: Hospital) -> None:
    count = 20
    sent(hospital, count)
    before = {uid: dataset.PixelData for uid, (dataset, _) in objects(hospital).items()}
    merge = merged(hospital)
    kills = 0
    for _ in range(3):
        at = merge_of(hospital, merge)
        until(lambda at=at: changed(hospital, merge, at), "it goes on", LONG)  # type: ignore[misc]
        pid = hospital.platform.pid_of("cdss_api.worker")
        if pid is not None and merge_of(hospital, merge)["state"] == "merging":
            os.kill(pid, signal.SIGKILL)
            kills += 1
    assert kills
    until_state(hospital, merge, "merged")
    after = objects(hospital)
    assert {uid: dataset.PixelData for uid, (dataset, _) in after.items()} == before
    assert {dataset.PatientID for dataset, _ in after.values()} == {"T-1"}
    originals = list((hospital.platform.settings.data / "corrections").rglob("*.dcm"))
    assert len(originals) == 2 * count
    assert decide(hospital, merge, "confirm") == 204
    assert not list((hospital.platform.settings.data / "corrections").rglob("*.dcm"))


def changed(hospital: Hospital, merge: str, at: dict[str, Any]) -> bool:
    now = merge_of(hospital, merge)
    return bool(now["state"] != "merging" or now["correction"]["done"] > at["correction"]["done"])
