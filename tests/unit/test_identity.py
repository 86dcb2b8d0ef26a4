"""Whose an instance is, read from its file: the same as from the whole header, and never that of another file."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from orthanc_plugins.access.identity import Unidentified, identify

FILES = sorted(path for path in (Path(pydicom.__file__).parent / "data" / "test_files").rglob("*") if path.is_file())


def file_of(**values: str) -> bytes:
    dataset = Dataset()
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["series"])
    dataset.PatientID = "P1"
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=False)
    return buffer.getvalue()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_what_the_whole_header_says(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            whole = pydicom.dcmread(path, force=True)
            expected = (whole.StudyInstanceUID, whole.SeriesInstanceUID, str(whole.get("PatientID") or "").strip())
            name = str(whole.get("PatientName") or "").strip().casefold()
        except Exception:
            expected = None
        if expected is None or not all(expected[:2]):
            with pytest.raises(Unidentified):
                identify(path.read_bytes(), None)
            return
        found = identify(path.read_bytes(), None)
    assert (found.study, found.series, found.patient_id) == expected
    assert found.study_keys["PatientName"] == name


def test_what_lies_behind_it_in_the_file_does_not_matter() -> None:
    data = file_of(SeriesNumber="3", ImageComments="cut off in the middle of this")
    assert identify(data[:-10], None) == identify(data, None)


@pytest.mark.parametrize(
    ("charset", "name"),
    [("ISO_IR 192", "홍^길동"), ("\\ISO 2022 IR 149", "Hong^Gildong=홍^길동"), ("ISO_IR 100", "Müller^Jörg")],
)
def test_a_name_is_read_in_the_file_s_own_character_set(charset: str, name: str) -> None:
    assert identify(file_of(SpecificCharacterSet=charset, PatientName=name), None).study_keys["PatientName"] == (
        name.casefold()
    )


def test_the_same_bytes_in_another_character_set_are_another_name() -> None:
    latin = file_of(SpecificCharacterSet="ISO_IR 100", PatientName="Müller")
    greek = latin.replace(b"ISO_IR 100", b"ISO_IR 126")
    assert identify(latin, None).study_keys["PatientName"] != identify(greek, None).study_keys["PatientName"]


def test_files_that_differ_in_one_attribute_are_told_apart() -> None:
    assert identify(file_of(), None).patient_id == "P1"
    assert identify(file_of(PatientID="P2"), None).patient_id == "P2"
    assert identify(file_of(), None).issuer is None
    assert identify(file_of(), "CLINIC").issuer == "CLINIC"
    assert identify(file_of(IssuerOfPatientID="OTHER"), "CLINIC").issuer == "OTHER"


@pytest.mark.parametrize("data", [b"", b"no DICOM file", b"\0" * 200, file_of(StudyInstanceUID="")])
def test_what_names_no_study_is_refused(data: bytes) -> None:
    with pytest.raises(Unidentified):
        identify(data, None)
