"""That nothing of the original is in what was written: looked for in the written bytes, whatever made them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydicom import Dataset, dcmread
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO

_NAMED = (
    "PatientName",
    "PatientID",
    "OtherPatientNames",
    "OtherPatientIDs",
    "PatientBirthDate",
    "PatientBirthName",
    "PatientMotherBirthName",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "NameOfPhysiciansReadingStudy",
    "OperatorsName",
    "RequestingPhysician",
    "InstitutionName",
    "InstitutionAddress",
)
_TEXTS = frozenset({"LO", "SH", "PN", "LT", "ST", "UT", "UC", "AE", "DA", "DT", "UI"})
_SHORTEST_PART = 3  # Latin letters of a name's part that is looked for by itself; of others two
_SHORTEST_WORD = 4  # an identifier that is shorter has to be a whole value: 1 is a word of many texts
_SHORTEST_RAW = 6  # bytes that do not stand in pixels by chance
_STANDARD = "1.2.840.10008."
_NUMBER = rb"(?<![0-9.])%s(?![0-9.])"  # not as a part of a measure or of a UID
_WORD = r"(?<![0-9A-Za-z]){}(?![0-9A-Za-z])"


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What must not be found: `raw` anywhere in the bytes, `words` within a text, `values` as a whole one."""

    raw: frozenset[bytes]
    words: frozenset[str]
    values: frozenset[str]


def traces_of(original: Dataset) -> Traces:
    """Return what identifies the original: names and their parts, identifiers, birth dates, UIDs, at any depth."""
    values = {value for element in _elements(original) if element.keyword in _NAMED for value in _texts(element)}
    uids = {value for element in _elements(original) if element.VR == "UI" for value in _texts(element)}
    uids = {one for one in uids if not one.startswith(_STANDARD)}
    names = {text for element in _elements(original) if element.VR == "PN" for text in _texts(element)}
    parts = {part for name in names for part in re.split(r"[\^= ,]+", name) if _is_telling(part)}
    values |= names
    words = parts | {value for value in values if len(value) >= _SHORTEST_WORD}
    charset = original.get("SpecificCharacterSet") or []
    encodings = {
        "utf-8",
        *(_PYTHON[one] for one in ([charset] if isinstance(charset, str) else charset) if one in _PYTHON),
    }
    raw = {value.encode(name, "ignore") for value in values | uids | parts for name in encodings}
    return Traces(
        raw=frozenset(one.lower() for one in raw if len(one) >= _SHORTEST_RAW),
        words=frozenset(one.lower() for one in words),
        values=frozenset(one.lower() for one in values | uids),
    )


_PYTHON = {"ISO_IR 100": "latin-1", "ISO 2022 IR 149": "euc_kr", "GB18030": "gb18030", "ISO_IR 149": "euc_kr"}


def found_in(whole: bytes, traces: Traces, ours: Iterable[str]) -> list[str]:
    """Return the keywords, or `bytes`, where a trace is found in a file; `ours` are pseudonyms, which no trace is in.

    The original values themselves are not returned: what says that one was found goes into logs.
    """
    written = dcmread(DicomBytesIO(whole))
    pattern = re.compile("|".join(_WORD.format(re.escape(one)) for one in sorted(traces.words)) or r"(?!)")
    own = frozenset(ours)
    found = []
    for element in (*_elements(written.file_meta), *_elements(written)):
        for text in _texts(element) if element.VR in _TEXTS else ():
            if text not in own and (text.lower() in traces.values or pattern.search(text.lower())):
                found.append(element.keyword or str(element.tag))
    made = {text for element in _elements(written) if element.VR == "UI" for text in _texts(element)} - traces.values
    lowered = _without(whole.lower(), own | {one for one in made if one.startswith("2.25.")})
    if any(re.search(_NUMBER % trace, lowered) if trace.isdigit() else trace in lowered for trace in traces.raw):
        found.append("bytes")
    return found


def _without(whole: bytes, ours: frozenset[str]) -> bytes:
    """Return bytes in which what the key made is blanked: digits of an identifier come up in long numbers by chance."""
    for one in sorted(ours, key=len, reverse=True):
        whole = whole.replace(one.lower().encode(), b"*" * len(one))
    return whole


def _is_telling(part: str) -> bool:
    return len(part) >= (_SHORTEST_PART if part.isascii() else _SHORTEST_PART - 1)


def _elements(dataset: Dataset) -> Iterator[DataElement]:
    for element in dataset:
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item)


def _texts(element: DataElement) -> list[str]:
    if element.value is None or isinstance(element.value, bytes) or element.VR == "SQ":
        return []
    values = element.value if element.VM > 1 else [element.value]
    return [text for text in (str(one).strip(" \0") for one in values) if text]
