"""A stored object with other values for whose it is: bytes to bytes, and nothing else of it changes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # it is loaded by who rewrites: a service starts without it
    from pydicom import Dataset

UNICODE = "ISO_IR 192"
IDENTITY = (
    *("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    "AccessionNumber",
)
_SYSTEM = "NEURONOVA"


class Unreadable(ValueError):
    """The object cannot be read or written anew."""


def rewritten(data: bytes, values: Mapping[str, str], at: datetime) -> bytes:
    """Return a DICOM file with the attributes of `values` (by keyword) replaced; an empty one has no value.

    UIDs, pixels and transfer syntax stay. What was replaced is kept in Original Attributes Sequence (PS3.3
    C.12.1.1.9). Where a value is not ASCII, the texts of the whole object are written in UTF-8.

    Raises:
        Unreadable: it is no DICOM file, or an odd one.
    """
    from pydicom import Dataset, dcmread, dcmwrite

    try:
        dataset = dcmread(io.BytesIO(data), force=True)
        before = Dataset()
        for keyword in values:
            if keyword in dataset:
                before[keyword] = deepcopy(dataset[keyword])
        if not all(value.isascii() for value in values.values()):
            dataset.decode()
            before.decode()
            dataset.SpecificCharacterSet = UNICODE
        for keyword, value in values.items():
            _replace(dataset, keyword, value)
        dataset.OriginalAttributesSequence = [*dataset.get("OriginalAttributesSequence", ()), _original(before, at)]
        file = io.BytesIO()
        dcmwrite(file, dataset, enforce_file_format=True)
        return file.getvalue()
    except Exception as odd:  # whatever a broken file makes the library raise
        raise Unreadable(f"the object cannot be rewritten ({type(odd).__name__})") from odd


class Named(NamedTuple):
    """The UIDs of an object."""

    study: str
    series: str
    instance: str

    def of(self, patient_id: str) -> str:
        """Return Orthanc's identifier of it under a PatientID: the SHA-1 of all four, in five groups."""
        digest = hashlib.sha1("|".join((patient_id, *self)).encode(), usedforsecurity=False).hexdigest()
        return "-".join(digest[start : start + 8] for start in range(0, 40, 8))


def named_in(data: bytes) -> Named:
    """Return the UIDs of a DICOM file; raises Unreadable for what is none."""
    from pydicom import dcmread

    keywords = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]
    try:
        dataset = dcmread(io.BytesIO(data), force=True, specific_tags=keywords)
        return Named(*(str(dataset[keyword].value) for keyword in keywords))
    except Exception as odd:  # whatever a broken file makes the parser raise
        raise Unreadable(f"an object cannot be read ({type(odd).__name__})") from odd


def _replace(dataset: Dataset, keyword: str, value: str) -> None:
    if value or keyword != "IssuerOfPatientID":
        setattr(dataset, keyword, value)
    elif keyword in dataset:
        delattr(dataset, keyword)  # type 3: not there where there is none


def _original(before: Dataset, at: datetime) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.SourceOfPreviousValues = ""
    item.AttributeModificationDateTime = at.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")
    item.ModifyingSystem = _SYSTEM
    item.ReasonForTheAttributeModification = "CORRECT"
    item.ModifiedAttributesSequence = [before]
    return item
