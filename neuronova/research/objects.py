"""One object, with nothing in it that says whose it is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydicom import Dataset, dcmwrite
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID

from neuronova.research.profile import EDITION, Act, act_on
from neuronova.research.pseudonyms import Pseudonyms, shifted
from neuronova.research.words import cleaned

# PS3.16 CID 7050
BASIC = ("113100", "Basic Application Confidentiality Profile")
DESCRIPTORS = ("113105", "Clean Descriptors Option")
DATES = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
PATIENT = ("113108", "Retain Patient Characteristics Option")
_STANDARD = "1.2.840.10008."
_OLDEST = 89  # years; who is older is rare enough to be known by it
_DUMMIES = {"AS": "000Y", "DS": "0", "IS": "0", "UR": "http://deidentified.invalid", "TM": "000000"}
_ZEROS = frozenset({"FD", "FL", "SS", "US", "SL", "UL", "SV", "UV"})
_WORDS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"})


@dataclass(frozen=True, kw_only=True)
class Disguise:
    """How one patient's objects are changed; `patient` is the pseudonym; attributes named in `without` go."""

    pseudonyms: Pseudonyms
    patient: str
    shift: timedelta
    characteristics: bool
    without: frozenset[str]  # keywords

    @property
    def methods(self) -> list[tuple[str, str]]:
        """The profile and its options, as codes and their meanings."""
        return [BASIC, DESCRIPTORS, DATES, *([PATIENT] if self.characteristics else [])]


def disguise_for(
    pseudonyms: Pseudonyms,
    issuer: str,
    patient_id: str,
    *,
    characteristics: bool = False,
    without: frozenset[str] = frozenset(),
) -> Disguise:
    """Return how a patient's objects are changed."""
    return Disguise(
        pseudonyms=pseudonyms,
        patient=pseudonyms.patient(issuer, patient_id),
        shift=pseudonyms.shift(issuer, patient_id),
        characteristics=characteristics,
        without=without,
    )


def disguised(original: Dataset, disguise: Disguise) -> Dataset:
    """Return an object for research, by PS3.15 Annex E; the original is changed, and not to be used any more."""
    syntax = original.file_meta.TransferSyntaxUID
    _change(original, disguise)
    original.PatientName = original.PatientID = disguise.patient
    original.PatientIdentityRemoved = "YES"
    original.LongitudinalTemporalInformationModified = "MODIFIED"
    original.DeidentificationMethod = [f"DICOM PS3.15 {EDITION} Annex E", *(meaning for _, meaning in disguise.methods)]
    original.DeidentificationMethodCodeSequence = [_code(*method) for method in disguise.methods]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = original.SOPClassUID, original.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    original.file_meta = meta
    original.preamble = bytes(128)  # it may hold anything
    return original


def file_of(dataset: Dataset) -> bytes:
    """Return an object's file (PS3.10 7)."""
    whole = io.BytesIO()
    dcmwrite(whole, dataset, enforce_file_format=True)
    return whole.getvalue()


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def _change(dataset: Dataset, disguise: Disguise) -> None:
    for tag in list(dataset.keys()):
        element = dataset[tag]
        act = act_on(element.tag, element.VR, characteristics=disguise.characteristics)
        if act is Act.REMOVE or element.keyword in disguise.without or (element.VR == "SQ" and act is Act.DUMMY):
            del dataset[tag]  # no dummy item of a sequence would be of use
        elif element.VR == "SQ" and act is not Act.EMPTY:
            for item in element.value:
                _change(item, disguise)
        elif not _put(element, act, disguise):
            del dataset[tag]


def _put(element: DataElement, act: Act, disguise: Disguise) -> bool:
    """Change an element's value; return whether it stays."""
    match act:
        case Act.EMPTY:
            element.value = [] if element.VR == "SQ" else None
        case Act.DUMMY:
            return _dummy(element)
        case Act.UID:
            element.value = [_uid(str(one), disguise) for one in _values(element)] or None
        case Act.SHIFT:
            element.value = [shifted(str(one), disguise.shift) for one in _values(element)] or None
        case Act.CLEAN:
            element.value = cleaned(" ".join(map(str, _values(element))))
            return bool(element.value)
        case _ if element.VR == "AS":
            element.value = _age(str(element.value or ""))
    return True


def _dummy(element: DataElement) -> bool:
    if element.VR in _WORDS:
        element.value = "REMOVED"
    elif element.VR in _ZEROS:
        element.value = 0
    elif element.VR in _DUMMIES:
        element.value = _DUMMIES[element.VR]
    else:
        return False
    return True


def _values(element: DataElement) -> Sequence[object]:
    if element.value is None or element.value == "":
        return []
    return element.value if element.VM > 1 else [element.value]


def _uid(original: str, disguise: Disguise) -> UID:
    """Return the UID in its place; those of the standard, as of classes and syntaxes, say nothing of anybody."""
    if original.startswith(_STANDARD):
        return UID(original)
    return UID(disguise.pseudonyms.uid(original))


def _age(value: str) -> str:
    years = value[:3]
    return "090Y" if value.endswith("Y") and years.isdigit() and int(years) > _OLDEST else value
