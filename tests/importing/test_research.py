"""`neuronova anonymise`: what is written is searched for what it must not have, by means of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import UID

from neuronova.audit.search import Query, search
from neuronova.contract.audit import Action
from tests.conftest import REAL_SERIES
from tests.importing.folders import neuronova
from tests.server import Server
from tests.synthetic import ct_slice, make, part10, uid

STUDY, LATER = "research", "research later"
NAME = "Hong^Gildong=洪^吉洞=홍^길동"
SECRETS = ("Gildong", "길동", "홍^", "RSCH-4711", "ACC-88-99", "19610203", "Dr^Who^Knows", "Mercy General", "Secret")


def person(number: int, study: str = STUDY, patient: str = "RSCH-4711") -> Dataset:
    """Make an image that says in every way whose it is."""
    image = ct_slice(number, study=study, patient=patient)
    image.PatientName, image.PatientBirthDate, image.PatientSex, image.PatientAge = NAME, "19610203", "F", "093Y"
    image.OtherPatientIDs, image.AccessionNumber = ["RSCH-4711-OLD", "88"], "ACC-88-99"
    image.ReferringPhysicianName, image.InstitutionName = "Dr^Who^Knows", "Mercy General"
    image.StudyDescription, image.SeriesDescription = "CT Brain of Hong Gildong w/o contrast", "Axial 5mm Secret"
    image.StudyDate, image.SeriesDate, image.AcquisitionDateTime = "20240102", "20240105", "20240102101112.5+0900"
    image.PatientComments = image.AdditionalPatientHistory = "Hong Gildong fell in the Secret garden"
    private = image.private_block(0x0011, "VENDOR", create=True)
    private.add_new(1, "LO", "Gildong")
    item = Dataset()
    item.PatientID, item.ReferencedSOPInstanceUID = "RSCH-4711", uid("elsewhere")
    item.ReferencedSOPClassUID = image.SOPClassUID
    image.ReferencedImageSequence = [item]
    return image


@pytest.fixture(scope="module")
def originals(archive: Server) -> list[Dataset]:
    images = [person(number) for number in range(1, 5)]
    saved = person(5)
    saved.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    burned = person(6)
    burned.BurnedInAnnotation = "YES"
    others = [make(name) for name in ("sr", "pdf", "rgb")]
    for other in others:
        other.StudyInstanceUID, other.PatientID = uid(STUDY), "RSCH-4711"
    for image in (*images, saved, burned, *others, person(1, LATER)):
        archive.upload(part10(image))
    return images


@pytest.fixture(scope="module")
def key(archive: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key"
    neuronova(archive.settings, "anonymise", "--new-key", "--key", path)
    assert path.stat().st_mode & 0o777 == 0o600
    return path


@pytest.fixture(scope="module")
def written(
    archive: Server, originals: list[Dataset], key: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("research") / "out"
    yield folder, neuronova(archive.settings, "anonymise", uid(STUDY), "--to", folder, "--key", key)


def read_all(folder: Path) -> list[Dataset]:
    return [dcmread(path) for path in sorted(folder.rglob("*.dcm"))]


def test_nothing_that_identifies_is_in_any_byte(written: tuple[Path, str], originals: list[Dataset]) -> None:
    folder, _ = written
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == len(originals)
    uids = [str(value) for one in originals for value in (one.SOPInstanceUID, one.StudyInstanceUID)]
    for path in files:
        whole = path.read_bytes() + str(path.relative_to(folder)).encode()
        for secret in (*SECRETS, *uids, uid("elsewhere"), str(originals[0].FrameOfReferenceUID)):
            for form in (secret.encode(), secret.encode("euc_kr", "ignore") or b"\0none"):
                assert form not in whole, secret


def test_what_may_carry_names_is_left_out_and_listed(written: tuple[Path, str]) -> None:
    _, said = written
    for reason in ("Basic Text SR", "Encapsulated PDF", "Secondary Capture", "screen save", "Burned In Annotation"):
        assert reason in said
    assert "Left out, 1 objects" in said
    assert uid(f"instance {STUDY}/series/5") in said


def test_the_images_themselves_are_whole_and_valid(written: tuple[Path, str], originals: list[Dataset]) -> None:
    made = {one.InstanceNumber: one for one in read_all(written[0])}
    for original in originals:
        one = made[original.InstanceNumber]
        assert one.PixelData == original.PixelData
        assert one.ImagePositionPatient == original.ImagePositionPatient
        assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID
        assert UID(one.SOPInstanceUID).is_valid and one.SOPInstanceUID.startswith("2.25.")
    assert len({one.SeriesInstanceUID for one in made.values()}) == 1
    assert len({one.FrameOfReferenceUID for one in made.values()}) == 1
    assert len({one.SOPInstanceUID for one in made.values()}) == len(originals)


def test_it_says_how_it_was_made(written: tuple[Path, str]) -> None:
    one = read_all(written[0])[0]
    assert one.PatientIdentityRemoved == "YES"
    assert one.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = [code.CodeValue for code in one.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105", "113107"]
    assert one.StudyDescription.split()[:2] == ["CT", "Brain"]
    assert one.SeriesDescription == "Axial 5mm"
    assert "PatientAge" not in one and one.PatientSex == ""


def test_dates_keep_their_distances(written: tuple[Path, str]) -> None:
    one = read_all(written[0])[0]
    days = [
        datetime.strptime(value[:8], "%Y%m%d") for value in (one.StudyDate, one.SeriesDate, one.AcquisitionDateTime)
    ]
    assert (days[1] - days[0]).days == 3 and days[2] == days[0]
    assert one.StudyDate < "20240102"
    assert one.AcquisitionDateTime[8:] == "101112.5+0900"


def test_the_same_key_gives_the_same_pseudonyms_and_another_gives_others(
    archive: Server, written: tuple[Path, str], key: Path, tmp_path: Path
) -> None:
    first = read_all(written[0])[0]

    def exported(name: str, file: Path, *more: str) -> Dataset:
        neuronova(archive.settings, "anonymise", uid(LATER), "--to", tmp_path / name, "--key", file, *more)
        return read_all(tmp_path / name)[0]

    other_key = tmp_path / "other"
    neuronova(archive.settings, "anonymise", "--new-key", "--key", other_key)
    same, other = exported("same", key), exported("else", other_key)
    project = exported("project", key, "--project", "stroke", "--characteristics")
    assert (same.PatientID, same.PatientName, same.StudyDate) == (first.PatientID, first.PatientName, first.StudyDate)
    assert len({one.PatientID for one in (same, other, project)}) == 3
    assert len({one.SOPInstanceUID for one in (same, other, project)}) == 3
    assert (project.PatientSex, project.PatientAge) == ("F", "090Y")


def test_only_the_key_tells_who_it_is(archive: Server, written: tuple[Path, str], key: Path, tmp_path: Path) -> None:
    pseudonym = str(read_all(written[0])[0].PatientID)
    assert "RSCH-4711" in neuronova(archive.settings, "anonymise", "--whois", pseudonym, "--key", key)
    other = tmp_path / "other"
    neuronova(archive.settings, "anonymise", "--new-key", "--key", other)
    said = neuronova(archive.settings, "anonymise", "--whois", pseudonym, "--key", other, code=1)
    assert "no patient of the archive has the pseudonym" in said
    journal = archive.settings.data / "audit" / "cli.db"
    records = search([journal], Query(action=Action.DISCLOSE, patient_id="RSCH-4711"), limit=100).records
    assert {one.event.route for one in records} == {"neuronova anonymise", "neuronova anonymise --whois"}


def test_what_would_still_name_the_patient_is_not_written(archive: Server, key: Path, tmp_path: Path) -> None:
    """A name in an attribute that the profile keeps: nobody can foresee where people write."""
    image = person(1, "leaking")
    image.ManufacturerModelName = "Scanner of Gildong"
    archive.upload(part10(image))
    out = tmp_path / "out"
    said = neuronova(archive.settings, "anonymise", uid("leaking"), "--to", out, "--key", key, code=1)
    assert "ManufacturerModelName" in said and "Gildong" not in said
    assert not [path for path in out.rglob("*") if path.is_file()]
    more = ("--without", "ManufacturerModelName")
    neuronova(archive.settings, "anonymise", uid("leaking"), "--to", out, "--key", key, *more)
    assert ["ManufacturerModelName" in one for one in read_all(out)] == [False]


def test_a_key_that_others_may_read_is_refused(archive: Server, tmp_path: Path) -> None:
    key = tmp_path / "key"
    neuronova(archive.settings, "anonymise", "--new-key", "--key", key)
    key.chmod(0o644)
    said = neuronova(archive.settings, "anonymise", "1.2.3", "--to", tmp_path / "out", "--key", key, code=1)
    assert "chmod 600" in said


@pytest.mark.parametrize("series", ["ct-head", "mr-t1w"])
def test_real_series_leave_whole_and_open_in_dcmtk(archive: Server, key: Path, tmp_path: Path, series: str) -> None:
    paths = sorted((REAL_SERIES / series).glob("*.dcm"))[:20]
    if not paths:
        pytest.skip(f"the real series {series} is not at hand")
    for path in paths:
        archive.upload(path.read_bytes())
    original = dcmread(paths[0])
    neuronova(archive.settings, "anonymise", original.StudyInstanceUID, "--to", tmp_path, "--key", key)
    made = {one.InstanceNumber: one for one in read_all(tmp_path)}
    assert len(made) == len(paths)
    for path in paths:
        before = dcmread(path)
        assert made[before.InstanceNumber].PixelData == before.PixelData
    for path in tmp_path.rglob("*.dcm"):
        assert str(original.StudyInstanceUID).encode() not in path.read_bytes()
        subprocess.run(["dcmdump", "-q", path], check=True, capture_output=True)
