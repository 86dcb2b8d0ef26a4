"""The Basic Application Level Confidentiality Profile of PS3.15 Annex E, as what is done with each attribute.

The table E.1-1 is dicom-anonymizer's: it is kept with each edition of the standard. What is done is ours: that library
makes random UIDs, and dates that no longer fit one another. dicognito follows no table, deid has one from a recipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from functools import cache
from types import MappingProxyType

from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from pydicom.tag import BaseTag, Tag

EDITION = "2026c"


class Act(Enum):
    """What is done with an attribute."""

    KEEP = auto()
    REMOVE = auto()
    EMPTY = auto()
    DUMMY = auto()
    UID = auto()
    SHIFT = auto()
    CLEAN = auto()


_GROUPS = {
    "D_TAGS": Act.DUMMY,
    "Z_TAGS": Act.EMPTY,
    "X_TAGS": Act.REMOVE,
    "U_TAGS": Act.UID,
    "Z_D_TAGS": Act.DUMMY,
    "X_Z_TAGS": Act.EMPTY,
    "X_D_TAGS": Act.DUMMY,
    "X_Z_D_TAGS": Act.DUMMY,
    "X_Z_U_STAR_TAGS": Act.KEEP,  # sequences of references, whose UIDs are replaced
}
_DESCRIPTORS = (0x00081030, 0x0008103E, 0x00181030, 0x00321060, 0x00400254, 0x00180010)
CHARACTERISTICS = (0x00100040, 0x00101010, 0x00101020, 0x00101030, 0x00102160, 0x001021A0, 0x001021C0)
_PATIENT = 0x0010
_REPEATING = (range(0x5000, 0x5100), range(0x6000, 0x6100))  # curves and overlays
_ICON = 0x00880200
_TEXTS = frozenset({"LT", "ST", "UT", "UC", "UR", "PN", "AE", "UN"})
_BINARY = frozenset({"OB", "OW", "OF", "OD", "OL", "OV"})
_BINARY_GROUPS = (0x0028, 0x7FE0)  # tables of colours and values, pixels
_TIMES = frozenset({"DA", "DT"})


@cache
def _table() -> Mapping[int, Act]:
    groups = dicom_anonymization_database_selector(f"dicomfields_{EDITION}")
    acts = {int(Tag(one)): act for name, act in _GROUPS.items() for one in groups[name] if len(one) == 2}
    return MappingProxyType({**acts, **dict.fromkeys(_DESCRIPTORS, Act.CLEAN)})


def act_on(tag: BaseTag, vr: str, *, characteristics: bool) -> Act:
    """Return what is done with an attribute; with `characteristics` those of PS3.15 E.3.3 stay.

    Beyond the table: what is private, unknown, free text, a person's name or bytes of an unknown meaning goes; dates
    move; UIDs are replaced.
    """
    number = int(tag)
    if tag.is_private or any(tag.group in group for group in _REPEATING) or number == _ICON:
        return Act.REMOVE
    if characteristics and number in CHARACTERISTICS:
        return Act.KEEP
    known = _table().get(number)
    if vr in _TIMES and (tag.group != _PATIENT or known is None):
        return Act.SHIFT
    if vr == "TM" and tag.group != _PATIENT:
        return Act.KEEP  # days move whole
    if known is not None:
        return known
    return _beyond_the_table(tag, vr)


def _beyond_the_table(tag: BaseTag, vr: str) -> Act:
    if vr == "UI":
        return Act.UID
    if vr in _TEXTS or (vr in _BINARY and tag.group not in _BINARY_GROUPS):
        return Act.REMOVE
    return Act.KEEP
