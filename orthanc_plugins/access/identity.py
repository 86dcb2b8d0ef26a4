"""Whose an instance is: what a stored file says of its patient, study and series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from orthanc_plugins.header import as_dataset, first_elements

STUDY_KEYS = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDescription",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
)
SERIES_KEYS = ("Modality", "SeriesDescription", "SeriesNumber", "BodyPartExamined", "ProtocolName", "StationName")
_READ = (
    "SpecificCharacterSet",
    "IssuerOfPatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    *STUDY_KEYS,
    *SERIES_KEYS,
)
_TAGS = [BaseTag(tag) for tag in map(tag_for_keyword, _READ) if tag is not None]
_PADDING = " \0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Whose an instance is; `issuer` is None where neither the file nor its sender names one.

    The keys are what a search matches on: DICOM keywords to values without padding and without regard to case.
    """

    patient_id: str
    issuer: str | None
    study: str
    series: str
    study_keys: Mapping[str, str] = field(default_factory=dict)
    series_keys: Mapping[str, str] = field(default_factory=dict)


class Unidentified(Exception):
    """The object does not say which study it belongs to."""


def identify(data: bytes, issuer: str | None) -> Identity:
    """Read an instance's identity from its file; `issuer` is that of its sender, for a file that names none.

    Raises:
        Unidentified: it is no DICOM file that names its study and series.
    """
    try:
        return _from_elements(tuple(first_elements(data, _TAGS)), issuer)
    except Unidentified:
        raise
    except Exception as odd:  # whatever a broken file makes the parser raise
        raise Unidentified(repr(odd)) from odd


@lru_cache(maxsize=256)
def _from_elements(elements: tuple[RawDataElement, ...], issuer: str | None) -> Identity:
    """Return what elements amount to: the same for each instance of a series, so it is seldom worked out."""
    dataset = as_dataset(elements)
    return from_values({keyword: _text(dataset, keyword) for keyword in _READ}, issuer)


def from_values(values: Mapping[str, str], issuer: str | None) -> Identity:
    """Return the identity that attributes by keyword amount to; raises Unidentified."""
    found = {keyword: values.get(keyword, "").strip(_PADDING) for keyword in _READ}
    if not found["StudyInstanceUID"] or not found["SeriesInstanceUID"]:
        raise Unidentified("no StudyInstanceUID or SeriesInstanceUID")
    return Identity(
        patient_id=found["PatientID"],
        issuer=found["IssuerOfPatientID"] or issuer,
        study=found["StudyInstanceUID"],
        series=found["SeriesInstanceUID"],
        study_keys={keyword: found[keyword].casefold() for keyword in STUDY_KEYS},
        series_keys={keyword: found[keyword].casefold() for keyword in SERIES_KEYS},
    )


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    if value is None:
        return ""
    return "\\".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
