"""DICOM attributes that rules may ask for, and their values in DICOM JSON (PS3.18 Annex F)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

Instance = Mapping[str, Any]
"""The DICOM JSON of one instance: hexadecimal tags to `{"vr": .., "Value": [..]}`."""

LONGEST_VALUE = 1024  # characters of a value that are looked at
_PADDING = " \0"
_TEXT = frozenset(["AE", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"])
_NUMBER = frozenset(("DS", "IS", "FD", "FL", "SL", "SS", "UL", "US", "SV", "UV", "US or SS"))
_PATIENT_GROUP = "0010"
_AGE = re.compile(r"(\d{3})([DWMY])", re.ASCII)  # PS3.5 6.2, AS
_YEARS: Mapping[str, float] = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


class Kind(StrEnum):
    """What an attribute's values are compared as."""

    TEXT = "text"
    NUMBER = "number"
    AGE = "age"  # in years


class UnknownAttribute(ValueError):
    """There is no such attribute, or its values cannot be compared; the message says which."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the DICOM dictionary (PS3.6); `tag` is eight hexadecimal digits."""

    keyword: str
    tag: str
    kind: Kind
    shown: bool  # false where its values say who the patient is: reasons go into logs


def attribute_of(keyword: str) -> Attribute:
    """Return the attribute of a keyword.

    Raises:
        UnknownAttribute: it is not in the dictionary, or is a sequence, binary or a tag.
    """
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise UnknownAttribute(f"{keyword} is no keyword of a DICOM attribute (PS3.6)")
    hexadecimal, representation = f"{tag:08X}", dictionary_VR(tag)
    if representation in _TEXT:
        kind = Kind.TEXT
    elif representation in _NUMBER:
        kind = Kind.NUMBER
    elif representation == "AS":
        kind = Kind.AGE
    else:
        raise UnknownAttribute(f"{keyword} has no values to compare (its value representation is {representation})")
    about_patient = hexadecimal.startswith(_PATIENT_GROUP) and kind is Kind.TEXT
    return Attribute(keyword, hexadecimal, kind, not about_patient and representation != "PN")


def values_of(instance: Instance, attribute: Attribute) -> tuple[str | float, ...]:
    """Return the values of an attribute: text without padding, finite numbers, or years.

    What is empty, or not what the attribute's kind says, is left out.
    """
    read = _READERS[attribute.kind]
    return tuple(value for one in raw_values(instance, attribute.tag) if (value := read(one)) is not None)


def raw_values(instance: Instance, tag: str) -> list[Any]:
    """Return the values under a tag as the JSON has them."""
    element = instance.get(tag)
    values = element.get("Value") if isinstance(element, Mapping) else None
    return values if isinstance(values, list) else []


def text_of(value: object) -> str | None:
    """Return a value as text without padding, None where there is none; a person's name (F.2.2) is its first form."""
    if isinstance(value, Mapping):
        value = next((value[form] for form in ("Alphabetic", "Ideographic", "Phonetic") if value.get(form)), None)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip(_PADDING)[:LONGEST_VALUE] or None


def number_of(value: object) -> float | None:
    """Return a value as a finite number, None where it is none; DS and IS may come as strings (F.2.3)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _years_of(value: object) -> float | None:
    found = _AGE.fullmatch(value.strip(_PADDING)) if isinstance(value, str) else None
    return None if found is None else int(found[1]) * _YEARS[found[2]]


_READERS = {Kind.TEXT: text_of, Kind.NUMBER: number_of, Kind.AGE: _years_of}
