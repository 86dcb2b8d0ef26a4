"""The pure parts of pseudonymisation, as tables."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydicom.tag import Tag

from neuronova.research.profile import Act, act_on
from neuronova.research.pseudonyms import Pseudonyms, shifted
from neuronova.research.words import cleaned

KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("tag", "vr", "act"),
    [
        ("PatientName", "PN", Act.EMPTY),
        ("PatientBirthDate", "DA", Act.EMPTY),
        ("IssuerOfPatientID", "LO", Act.REMOVE),
        ("AccessionNumber", "SH", Act.EMPTY),
        ("StudyInstanceUID", "UI", Act.UID),
        ("StudyDate", "DA", Act.SHIFT),
        ("StudyTime", "TM", Act.KEEP),
        ("StudyDescription", "LO", Act.CLEAN),
        ("DeviceSerialNumber", "LO", Act.DUMMY),
        ("ReferencedImageSequence", "SQ", Act.KEEP),
        ("ContentSequence", "SQ", Act.DUMMY),
        ("PixelData", "OW", Act.KEEP),
        ("RedPaletteColorLookupTableData", "OW", Act.KEEP),
        ("IconImageSequence", "SQ", Act.REMOVE),
        ("Rows", "US", Act.KEEP),
        (0x00091001, "LO", Act.REMOVE),
        (0x60003000, "OW", Act.REMOVE),
        (0x60020010, "US", Act.REMOVE),
        (0x50000005, "US", Act.REMOVE),
        ("PatientSex", "CS", Act.EMPTY),
        ("PatientAge", "AS", Act.REMOVE),
        ("MACCalculationTransferSyntaxUID", "UI", Act.UID),
        (0x00080FFE, "UN", Act.REMOVE),
        (0x00080FFE, "UT", Act.REMOVE),
        (0x00080FFE, "OB", Act.REMOVE),
    ],
)
def test_what_is_done_with_an_attribute(tag: str | int, vr: str, act: Act) -> None:
    assert act_on(Tag(tag), vr, characteristics=False) is act


@pytest.mark.parametrize("keyword", ["PatientSex", "PatientAge", "PatientSize", "PatientWeight"])
def test_characteristics_stay_where_that_is_asked_for(keyword: str) -> None:
    assert act_on(Tag(keyword), "CS", characteristics=True) is Act.KEEP


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("20240301", "20240229"),
        ("20240301101112.5+0900", "20240229101112.5+0900"),
        ("2024", ""),
        ("", ""),
        ("20241301", ""),
        ("00010101", ""),
    ],
    ids=["day", "moment", "year", "none", "no-month", "first-day"],
)
def test_dates_move_by_whole_days(before: str, after: str) -> None:
    assert shifted(before, timedelta(days=-1)) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("AX T2 FLAIR 5mm", "T2 FLAIR 5mm"),
        ("Brain^Kim Gildong", "Brain"),
        ("Dr. Smith 19610203", ""),
        ("홍길동 CT", "CT"),
    ],
    ids=["sequence", "name", "birth", "korean"],
)
def test_only_known_words_of_a_description_stay(before: str, after: str) -> None:
    assert cleaned(before) == after


def test_pseudonyms_hang_on_key_project_issuer_and_identifier() -> None:
    one = Pseudonyms(key=KEY)
    assert one.patient("A", "1") == Pseudonyms(key=KEY).patient("A", "1") == "P" + one.patient("A", "1")[1:]
    others = [
        one.patient("A", "2"),
        one.patient("B", "1"),
        one.patient("A1", ""),
        Pseudonyms(key=KEY, project="p").patient("A", "1"),
        Pseudonyms(key=KEY[::-1]).patient("A", "1"),
    ]
    assert len({one.patient("A", "1"), *others}) == 6
    assert len(one.patient("A", "1")) == 17
    assert timedelta(days=-3650) <= one.shift("A", "1") < timedelta(0)
    assert one.uid("1.2.3").startswith("2.25.") and len(one.uid("1.2.3")) <= 64
