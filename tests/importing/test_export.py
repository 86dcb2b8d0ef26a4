"""`neuronova export`: zip files that DCMTK and pydicom read, and what the audit trail says of them."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest
from pydicom.fileset import FileInstance, FileSet

from neuronova.archive.asking import Asking
from neuronova.archive.studies import StoredStudy
from neuronova.audit.search import Query, search
from neuronova.contract.audit import Action
from neuronova.media.zips import require_whole, write_zip
from neuronova.platform.errors import PlatformError
from tests.access import everything
from tests.importing.folders import neuronova
from tests.server import Server
from tests.synthetic import ct_slice, make, part10, uid


@pytest.fixture(scope="module")
def objects(archive: Server) -> dict[str, list[bytes]]:
    """Two studies, by a word for each: images of two series, and objects of other kinds."""
    one = [ct_slice(number, study="export one", series=f"s{number % 2}", patient="E1") for number in range(1, 9)]
    two = [ct_slice(number, study="export two", patient="E2") for number in range(1, 4)]
    for name in ("sr", "pdf", "rgb", "multiframe"):
        other = make(name)
        other.StudyInstanceUID, other.PatientID = uid("export two"), "E2"
        two.append(other)
    studies = {"export one": list(map(part10, one)), "export two": list(map(part10, two))}
    for content in (one for study in studies.values() for one in study):
        archive.upload(content)
    return studies


def fileset(disc: Path) -> list[FileInstance]:
    """Return what pydicom reads of a disc; its scratch folder goes with it."""
    read = FileSet(disc / "DICOMDIR")
    read._stage["t"].cleanup()
    return list(read)


def digests(contents: list[bytes]) -> list[str]:
    return sorted(hashlib.sha256(one).hexdigest() for one in contents)


def test_a_study_comes_in_its_original_bytes(archive: Server, objects: dict[str, list[bytes]], tmp_path: Path) -> None:
    file = tmp_path / "one.zip"
    neuronova(archive.settings, "export", uid("export one"), "--to", file)
    with zipfile.ZipFile(file) as zipped:
        assert digests([zipped.read(name) for name in zipped.namelist()]) == digests(objects["export one"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_disc_of_two_studies_is_read_by_dcmtk_and_pydicom(
    archive: Server, objects: dict[str, list[bytes]], tmp_path: Path
) -> None:
    file, disc = tmp_path / "disc.zip", tmp_path / "disc"
    neuronova(archive.settings, "export", uid("export one"), uid("export two"), "--to", file, "--dicomdir")
    with zipfile.ZipFile(file) as zipped:
        zipped.extractall(disc)
    kept = [path.read_bytes() for path in disc.rglob("*") if path.is_file() and path.name != "DICOMDIR"]
    assert digests(kept) == digests([one for study in objects.values() for one in study])
    dump = subprocess.run(["dcmdump", "DICOMDIR"], cwd=disc, capture_output=True, text=True, check=True)
    assert dump.stdout.count("[STUDY]") == 2 and not dump.stderr
    named = fileset(disc)
    assert len(named) == len(kept)
    assert {one.StudyInstanceUID for one in named} == {uid("export one"), uid("export two")}
    assert all(Path(one.path).is_file() for one in named)


def test_what_dcmtk_makes_of_the_files_has_the_same_records(
    archive: Server, objects: dict[str, list[bytes]], tmp_path: Path
) -> None:
    file, disc = tmp_path / "disc.zip", tmp_path / "disc"
    neuronova(archive.settings, "export", uid("export one"), "--to", file, "--dicomdir")
    with zipfile.ZipFile(file) as zipped:
        zipped.extractall(disc)
    ours = {one.SOPInstanceUID for one in fileset(disc)}
    (disc / "DICOMDIR").unlink()
    subprocess.run(["dcmmkdir", "+r", "+id", disc, "+D", disc / "DICOMDIR"], check=True, cwd=disc, capture_output=True)
    assert {one.SOPInstanceUID for one in fileset(disc)} == ours


def test_an_export_goes_back_in_by_import(archive: Server, objects: dict[str, list[bytes]], tmp_path: Path) -> None:
    file = tmp_path / "disc.zip"
    neuronova(archive.settings, "export", uid("export two"), "--to", file, "--dicomdir")
    said = neuronova(archive.settings, "import", file)
    assert "DICOMDIR" in said and "duplicate" in said and "stored" not in said


def test_it_is_recorded_before_it_leaves(archive: Server, objects: dict[str, list[bytes]], tmp_path: Path) -> None:
    neuronova(archive.settings, "export", uid("export one"), "--to", tmp_path / "recorded.zip")
    journal = archive.settings.data / "audit" / "cli.db"
    (record,) = [
        one
        for one in search([journal], Query(action=Action.DISCLOSE), limit=100).records
        if one.event.detail == "recorded.zip"
    ]
    assert (record.event.patient_id, record.event.study) == ("E1", uid("export one"))
    assert record.event.subject.startswith("cli:")


@pytest.mark.parametrize(
    ("study", "said"), [("1.2.3", "there is no study 1.2.3"), ("x/../y", "is no StudyInstanceUID")], ids=["none", "odd"]
)
def test_what_is_not_there_is_said(archive: Server, tmp_path: Path, study: str, said: str) -> None:
    assert said in neuronova(archive.settings, "export", study, "--to", tmp_path / "x.zip", code=1)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_not_written_over(
    archive: Server, objects: dict[str, list[bytes]], tmp_path: Path
) -> None:
    (tmp_path / "x.zip").write_text("mine")
    said = neuronova(archive.settings, "export", uid("export one"), "--to", tmp_path / "x.zip", code=1)
    assert "exists already" in said and (tmp_path / "x.zip").read_text() == "mine"


def test_one_uid_of_two_patients_needs_a_choice(archive: Server, tmp_path: Path) -> None:
    for patient in ("X1", "X2"):
        archive.upload(part10(ct_slice(1, study="shared", series=patient, patient=patient)))
    assert "--patient" in neuronova(archive.settings, "export", uid("shared"), "--to", tmp_path / "x.zip", code=1)
    neuronova(archive.settings, "export", uid("shared"), "--to", tmp_path / "x.zip", "--patient", "X2")
    require_whole(tmp_path / "x.zip", 1, dicomdir=False)


def test_fewer_objects_than_the_archive_has_are_no_export(
    archive: Server, objects: dict[str, list[bytes]], tmp_path: Path
) -> None:
    (found,) = [
        one["ID"]
        for one in archive.get("/studies?expand")
        if one["MainDicomTags"]["StudyInstanceUID"] == uid("export one")
    ]
    study = StoredStudy(identifier=found, uid=uid("export one"), patient_id="E1", issuer="", instances=9)
    with pytest.raises(PlatformError, match="8 objects came in place of 9"):
        asking = Asking(archive.url, everything)
        write_zip(asking, [study], tmp_path / "x.zip", dicomdir=False, moved=lambda _size: None)
    assert not list(tmp_path.iterdir())
