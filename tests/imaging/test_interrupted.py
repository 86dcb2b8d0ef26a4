"""A correction that is interrupted at any step, against a real Orthanc: nothing is lost, and it can be gone on with."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from cdss_api.imaging.archive import Archive, Unavailable
from cdss_api.imaging.correcting import ORIGINALS, Bench, Move, correct, instant, tidy
from cdss_api.imaging.rewriting import Unreadable, named_in
from tests.access import everything, http
from tests.imaging.asking import sent_slice
from tests.server import Server
from tests.synthetic import part10, uid

COUNT = 9
FEW = 3  # requests, enough for one object or two
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


def objects(server: Server) -> list[Dataset]:
    found = [http.get(f"{server.url}/instances/{one}/file") for one in server.get("/instances")]
    return [dcmread(io.BytesIO(one.content)) for one in found]


@pytest.mark.parametrize("patient_id", ["P-999", "P-100"], ids=["another-patient", "same-patient-id"])
def test_an_interrupted_correction_loses_nothing(server: Server, tmp_path: Path, patient_id: str) -> None:
    sent = [sent_slice(number, patient_id=patient_id, issuer="ELSEWHERE") for number in range(COUNT)]
    for one in sent:
        server.upload(part10(one))
    (study,) = server.get("/studies")
    uids = {str(one.SOPInstanceUID) for one in sent}
    before = digests(server)
    move = Move(
        orthanc=study,
        study_uid=uid("imaging"),
        series=frozenset({uid("imaging/series")}),
        before=(patient_id, "ELSEWHERE"),
        values={"PatientID": "P-100", "IssuerOfPatientID": "HOSPITAL", "PatientName": "홍^길동"},
    )
    root = tmp_path / "corrections"
    done, interruptions = carried_out(server, root, "there", move, uids)
    assert interruptions > 2
    assert set(done) == uids
    found = objects(server)
    assert {(str(one.SOPInstanceUID), one.PatientID, one.IssuerOfPatientID, str(one.PatientName)) for one in found} == {
        (one, "P-100", "HOSPITAL", "홍^길동") for one in uids
    }
    assert holder(server) == ("P-100", "HOSPITAL")
    tidy(root, "there")
    assert {file.parent.name for file in root.rglob("*") if file.is_file()} == {ORIGINALS}
    (corrected,) = server.get("/studies")
    back = Move(
        orthanc=corrected,
        study_uid=move.study_uid,
        series=move.series,
        before=move.after,
        values={"PatientID": patient_id, "IssuerOfPatientID": "ELSEWHERE"},
        restoring="there/0",
    )
    restored, interruptions = carried_out(server, root, "back", back, uids)
    assert interruptions > 2
    assert set(restored) == uids
    assert digests(server) == before
    assert holder(server) == (patient_id, "ELSEWHERE")


def test_an_object_that_cannot_be_read_stops_all_before_anything_is_changed(server: Server, tmp_path: Path) -> None:
    server.upload(part10(sent_slice(1, patient_id="P-999")))
    (study,) = server.get("/studies")
    move = Move(
        orthanc=study,
        study_uid=uid("imaging"),
        series=frozenset({uid("imaging/series")}),
        before=("P-999", "HOSPITAL"),
        values={"PatientID": "P-100", "IssuerOfPatientID": "HOSPITAL", "PatientBirthDate": "\ud800"},
    )
    before = digests(server)
    bench = Bench(archive=Archive(server.url, everything), root=tmp_path, name="odd", keeps=True, at=instant(NOW))
    with pytest.raises(Unreadable, match="cannot be rewritten"):
        correct(bench, [move], unwatched)
    assert digests(server) == before


def carried_out(server: Server, root: Path, name: str, move: Move, uids: set[str]) -> tuple[list[str], int]:
    """Carry a correction out that is interrupted after a few requests each time; return how often it was."""
    for interruptions in range(100):
        archive = Interrupted(server.url, everything, FEW)
        try:
            bench = Bench(archive=archive, root=root, name=name, keeps=True, at=instant(NOW))
            return correct(bench, [move], unwatched), interruptions
        except Unavailable:
            staged = {named_in(file.read_bytes()).instance for file in (root / name / "0").glob("*.[dh]*")}
            assert uids <= staged | {str(one.SOPInstanceUID) for one in objects(server)}
    raise AssertionError("it never ends")


def unwatched(_done: int, _total: int) -> None:
    """Let it go on."""


def digests(server: Server) -> set[str]:
    """Return what stands in Orthanc, byte for byte."""
    found = [http.get(f"{server.url}/instances/{one}/file") for one in server.get("/instances")]
    return {hashlib.sha256(one.content).hexdigest() for one in found}


def holder(server: Server) -> tuple[str, str]:
    (found,) = server.get(f"/neuronova/holdings?study={uid('imaging')}")["patients"]
    return found["patient_id"], found["issuer"]
