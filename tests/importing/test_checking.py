"""What the last look at a file finds, and what it must not take for a find."""

from __future__ import annotations

import pytest
from pydicom import Dataset

from neuronova.research.checking import found_in, traces_of
from neuronova.research.objects import disguise_for, disguised, file_of
from neuronova.research.pseudonyms import Pseudonyms
from tests.synthetic import ct_slice

DISGUISE = disguise_for(Pseudonyms(key=bytes(32)), "", "123456")


def original(**changed: object) -> Dataset:
    image = ct_slice(patient="123456")
    image.PatientName = "Lee^Gildong=李^吉洞=이^길동"
    for keyword, value in changed.items():
        setattr(image, keyword, value)
    return image


def found(leak: dict[str, object], **changed: object) -> list[str]:
    """Return what is found in a disguised object into which something has come afterwards."""
    traces, made = traces_of(original(**changed)), disguised(original(**changed), DISGUISE)
    for keyword, value in leak.items():
        setattr(made, keyword, value)
    return found_in(file_of(made), traces, (DISGUISE.patient, str(made.SOPInstanceUID)))


def test_a_disguised_object_is_clean() -> None:
    assert found({}) == []


@pytest.mark.parametrize(
    "leak",
    [
        {"ProtocolName": "for 123456"},
        {"ProtocolName": "lee"},
        {"ProtocolName": "LEE GILDONG"},
        {"ProtocolName": "길동"},
        {"StationName": "123456"},
        {"PixelData": b"gildong " * 1024},
        {"PixelData": b"\0\0 123456 " + bytes(8182)},
        {"StudyInstanceUID": original().StudyInstanceUID},
        {"ImageComments": original().SOPInstanceUID},
    ],
    ids=["id", "family", "name", "korean", "value", "pixels", "id-in-pixels", "uid", "uid-in-text"],
)
def test_what_is_left_is_found(leak: dict[str, object]) -> None:
    assert found(leak)


@pytest.mark.parametrize(
    "harmless",
    [{"ImagePositionPatient": ["0.123456", "-7.123456", "123456.1"]}, {"ProtocolName": "Sleeve"}],
    ids=["measures", "part-of-a-word"],
)
def test_what_only_looks_alike_is_not_found(harmless: dict[str, object]) -> None:
    assert found(harmless) == []


def test_an_identifier_of_one_digit_is_no_part_of_other_texts() -> None:
    assert found({"ProtocolName": "T 1"}, PatientID="1") == []
    assert found({"StationName": "1"}, PatientID="1") == ["StationName"]
