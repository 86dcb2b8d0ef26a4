"""Which keys fit which entry (PS3.4 C.2.2.2, K.6.1.2.2)."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from neuronova.contract.worklist import Code, Entry, Step
from orthanc_plugins.worklist.matching import matches
from orthanc_plugins.worklist.offer import dataset_of, offer_of
from orthanc_plugins.worklist.query import read_query

# Modalities write values that their value representations do not allow, and so do these tests.
pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")
CODE = Code(value="303653007", scheme="SCT", meaning="CT of head")
STEP = Step(
    id="ACC-1",
    station_titles=("CT_ONE", "CT_TWO"),
    modality="CT",
    date="20260401",
    time="093000",
    description="CT 뇌",
    code=CODE,
    performing_physician="Kim^A",
)
ENTRY = Entry(
    order="order-1",
    patient_id="P-100",
    issuer="HOSPITAL",
    patient_name="Müller^Jörg=洪^吉洞=홍^길동",
    birth_date="19800203",
    sex="M",
    weight="70.5",
    allergies=("Iodine", "조영제"),
    accession_number="ACC-1",
    requesting_physician="Lee^A",
    procedure_id="ACC-1",
    procedure_description="CT 뇌",
    procedure_code=CODE,
    study_uid="1.2.3",
    step=STEP,
)


def query(**keys: Any) -> Dataset:
    """Return a query; keys of the step are told by their names."""
    asked, step = Dataset(), Dataset()
    for name, value in keys.items():
        ours = name.startswith("Scheduled") or name == "Modality"
        setattr(step if ours else asked, name, value)
    asked.ScheduledProcedureStepSequence = [step]
    return asked


@pytest.mark.parametrize(
    ("keys", "fits"),
    [
        ({}, True),
        ({"PatientID": "P-100"}, True),
        ({"PatientID": "p-100"}, False),
        ({"PatientID": "P-10"}, False),
        ({"PatientID": "P-*"}, True),
        ({"PatientID": "P?100"}, True),
        ({"PatientID": "P?00"}, False),
        ({"PatientID": "[P]-100"}, False),
        ({"PatientID": "P.100"}, False),
        ({"PatientID": "*"}, True),
        ({"PatientID": ""}, True),
        ({"AccessionNumber": "ACC-1", "PatientID": "P-100"}, True),
        ({"AccessionNumber": "ACC-2", "PatientID": "P-100"}, False),
        ({"StudyInstanceUID": ["1.2.4", "1.2.3"]}, True),
        ({"StudyInstanceUID": ["1.2.4", "1.2.5"]}, False),
        ({"StudyInstanceUID": "1.2.*"}, False),
        ({"PatientBirthDate": "19800101-19801231"}, True),
        ({"PatientBirthDate": "-19791231"}, False),
        ({"PatientState": "ILL"}, False),
        ({"PatientState": "*"}, True),
        ({"ClinicalTrialSubjectID": "unknown here"}, True),
        ({"SpecificCharacterSet": "ISO_IR 100"}, True),
        ({"Modality": "CT"}, True),
        ({"Modality": "MR"}, False),
        ({"Modality": ""}, True),
        ({"ScheduledStationAETitle": "CT_ONE"}, True),
        ({"ScheduledStationAETitle": "CT_TWO"}, True),
        ({"ScheduledStationAETitle": "CT_TEN"}, False),
        ({"ScheduledStationAETitle": "CT_*", "Modality": "MR"}, False),
    ],
)
def test_values(keys: dict[str, Any], fits: bool) -> None:
    assert matches(query(**keys), dataset_of(ENTRY)) is fits


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("Müller^Jörg", True),
        ("MULLER^JORG", True),
        ("muller^*", True),
        ("M?ller^J?rg", True),
        ("Muller", False),
        ("Müller^Jörg^^", True),
        ("홍^길동", True),
        ("홍*", True),
        ("?^길?", True),
        ("??^길동", False),
        ("洪*", True),
        ("Mul*==홍*", True),
        ("Mul*==김*", False),
        ("김*", False),
        ("Müller (x)", False),
    ],
)
def test_names(name: str, fits: bool) -> None:
    assert matches(query(PatientName=name), dataset_of(ENTRY)) is fits


@pytest.mark.parametrize(
    ("date", "time", "fits"),
    [
        ("20260401", "", True),
        ("20260402", "", False),
        ("2026.04.01", "", True),
        ("20260401-20260401", "", True),
        ("20260402-", "", False),
        ("-20260401", "", True),
        ("", "09", True),
        ("", "0930", True),
        ("", "093001", False),
        ("", "0900-0930", True),
        ("", "09:00-09:29", False),
        ("", "-1000", True),
        ("20260401", "0800-1000", True),
        ("20260401", "1000-1200", False),
        # From the first day's time to the last day's: neither at that time on each day, nor the whole of the days.
        ("20260331-20260402", "1700-0800", True),
        ("20260331-20260401", "1000-0900", False),
        ("20260401-20260402", "1000-1200", False),
        ("20260331-20260401", "1000-1000", True),
    ],
)
def test_dates_and_times(date: str, time: str, fits: bool) -> None:
    asked = query(ScheduledProcedureStepStartDate=date, ScheduledProcedureStepStartTime=time)
    assert matches(asked, dataset_of(ENTRY)) is fits


def test_sequences() -> None:
    asked = Dataset()
    asked.ScheduledProcedureStepSequence = []
    asked.RequestedProcedureCodeSequence = [Dataset()]
    assert matches(asked, dataset_of(ENTRY))
    asked.RequestedProcedureCodeSequence[0].CodeValue = "303653007"
    assert matches(asked, dataset_of(ENTRY))
    assert not matches(asked, dataset_of(replace(ENTRY, procedure_code=None)))
    asked.RequestedProcedureCodeSequence[0].CodingSchemeDesignator = "LN"
    assert not matches(asked, dataset_of(ENTRY))


def test_what_is_not_known_fits_no_value() -> None:
    bare = dataset_of(replace(ENTRY, step=replace(STEP, station_titles=()), birth_date="", patient_name=""))
    for key in ("ScheduledStationAETitle", "PatientBirthDate", "PatientName"):
        assert not matches(query(**{key: "19800203" if "Date" in key else "CT_ONE"}), bare)
        assert matches(query(**{key: ""}), bare)


def test_an_offer_is_read_as_it_was_written() -> None:
    read = dcmread(io.BytesIO(offer_of(ENTRY).encoded))
    assert read.SpecificCharacterSet == "ISO_IR 192"
    assert (str(read.PatientName), list(read.Allergies), read.PatientWeight) == (
        ENTRY.patient_name,
        ["Iodine", "조영제"],
        70.5,
    )
    assert read == dataset_of(ENTRY)


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [(None, "utf-8"), (None, "latin-1"), ("ISO_IR 192", "utf-8"), ("ISO_IR 100", "latin-1")],
)
def test_a_query_is_read_in_its_letters(charset: str | None, encoding: str) -> None:
    asked = Dataset()
    if charset:
        asked.SpecificCharacterSet = charset
    asked.add_new(0x00100010, "PN", "Müller^*".encode(encoding))
    asked.file_meta = FileMetaDataset()
    asked.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    dcmwrite(file, asked, enforce_file_format=False)
    assert matches(read_query(file.getvalue()), dataset_of(ENTRY))


@pytest.mark.parametrize("name", ["홍^길동", "Hong==홍*"])
def test_a_korean_query_is_read_with_its_escapes(name: str) -> None:
    asked = Dataset()
    asked.SpecificCharacterSet = ["", "ISO 2022 IR 149"]
    asked.PatientName = name
    asked.file_meta = FileMetaDataset()
    asked.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    dcmwrite(file, asked, enforce_file_format=False)
    read = read_query(file.getvalue())
    assert str(read.PatientName) == name


def test_many_wildcards_take_no_longer() -> None:
    """A pattern that goes back over the text would take longer than the test may, and stop Orthanc's Python with it."""
    offered, query = Dataset(), Dataset()
    offered.PatientID, query.PatientID = "a" * 64, "*a" * 30 + "*b"
    assert not matches(query, offered)
    query.PatientID = "*a" * 30 + "*"
    assert matches(query, offered)
    offered.PatientID, query.PatientID = "A[1]*", "A[1]?"
    assert matches(query, offered)
