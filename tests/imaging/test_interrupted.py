"""A correction that is interrupted at any step, against a real Orthanc: nothing is lost, and it can be gone on with."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from cdss_api.imaging.archive import Archive, Unavailable
from cdss_api.imaging.correcting import Correction, correct
from tests.access import everything, http
from tests.imaging.asking import sent_slice
from tests.server import Server
from tests.synthetic import part10, uid

COUNT = 3
NOW = 1_800_000_000.0


class Interrupted(Archive):
    """Orthanc, until it does not answer any more."""

    def __init__(self, url: str, token: Any, answers: int) -> None:
        super().__init__(url, token)
        self._left = answers

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Unavailable("interrupted")
        return super()._ask(method, path, **more)


def uid_of(content: bytes) -> str:
    return str(dcmread(io.BytesIO(content)).SOPInstanceUID)


def objects(server: Server) -> list[Dataset]:
    found = [http.get(f"{server.url}/instances/{one}/file", timeout=10) for one in server.get("/instances")]
    return [dcmread(io.BytesIO(one.content)) for one in found]


@pytest.mark.parametrize("patient_id", ["P-999", "P-100"], ids=["another-patient", "same-patient-id"])
def test_an_interrupted_correction_loses_nothing(server: Server, tmp_path: Path, patient_id: str) -> None:
    sent = [sent_slice(number, patient_id=patient_id, issuer="ELSEWHERE") for number in range(COUNT)]
    for one in sent:
        server.upload(part10(one))
    (study,) = server.get("/studies")
    correction = Correction(
        orthanc=study,
        study_uid=uid("imaging"),
        series=frozenset({uid("imaging/series")}),
        before=(patient_id, "ELSEWHERE"),
        values={"PatientID": "P-100", "IssuerOfPatientID": "HOSPITAL", "PatientName": "홍^길동"},
    )
    folder = tmp_path / "correction"
    uids = {str(one.SOPInstanceUID) for one in sent}
    interruptions = 0
    for answers in range(1, 4 * COUNT + 10):
        try:
            done = correct(Interrupted(server.url, everything, answers), correction, folder, uid_of, NOW)
            break
        except Unavailable:
            interruptions += 1
            staged = {uid_of(file.read_bytes()) for file in folder.glob("*.dcm")}
            assert uids <= staged | {str(one.SOPInstanceUID) for one in objects(server)}
    assert interruptions > COUNT
    assert set(done) == uids
    assert not folder.exists()
    found = objects(server)
    assert {(str(one.SOPInstanceUID), one.PatientID, one.IssuerOfPatientID, str(one.PatientName)) for one in found} == {
        (one, "P-100", "HOSPITAL", "홍^길동") for one in uids
    }
    (holding,) = server.get(f"/neuronova/holdings?study={uid('imaging')}")["patients"]
    assert (holding["patient_id"], holding["issuer"]) == ("P-100", "HOSPITAL")
