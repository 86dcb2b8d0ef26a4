"""Whether an entry is what a modality asks for: the matching of PS3.4 C.2.2.2, with K.6.1.2.2 for date and time."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from functools import lru_cache

from pydicom import DataElement, Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from neuronova.contract.text import folded

_NEVER_KEYS = frozenset({0x00080005, 0x00080201})  # they say how the query is written: character set, time zone
_START_DATE, _START_TIME = BaseTag(0x00400002), BaseTag(0x00400003)
_EXACT = frozenset({"UI", "AS", "AT", "DS", "FD", "FL", "IS", "SL", "SS", "UL", "US"})  # without wildcards (C.2.2.2.4)
_PADDING = " \0"
_LAST_TIME = "235959.999999"


def matches(query: Dataset, offered: Dataset) -> bool:
    """Tell whether `offered` fits all keys of `query`.

    A key without value, or of `*` alone, fits everything (C.2.2.2.3); so does a key that is not offered at all, which
    an SCP may leave unmatched (C.2.2.1.3). What is offered without a value fits no key that has one.
    """
    keys = [key for key in query if int(key.tag) not in _NEVER_KEYS and key.tag in offered and not _is_universal(key)]
    combined = _combined(query) if {_START_DATE, _START_TIME} <= {key.tag for key in keys} else None
    if combined is not None:
        keys = [key for key in keys if key.tag not in (_START_DATE, _START_TIME)]
        start = _digits(offered[_START_DATE]) + _earliest(_digits(offered[_START_TIME]))
        if not combined[0] <= start <= combined[1]:
            return False
    return all(_fits(key, offered[key.tag]) for key in keys)


def _is_universal(key: DataElement) -> bool:
    if key.VR == "SQ":
        return not key.value or all(_is_universal(inner) for inner in key.value[0])
    return all(not text.strip("*") for text in _texts(key))


def _fits(key: DataElement, offered: DataElement) -> bool:
    if key.VR == "SQ":
        return any(matches(key.value[0], item) for item in offered.value)
    wanted, known = _texts(key), _texts(offered)
    if key.VR in ("DA", "TM"):
        return any(_is_within(key.VR, one, text) for one in wanted for text in known)
    if key.VR == "PN":
        return any(_is_name(one, text) for one in wanted for text in known)
    if key.VR in _EXACT:
        return not set(wanted).isdisjoint(known)  # several UIDs are a list of them (C.2.2.2.2)
    return any(_pattern(one).fullmatch(text) is not None for one in wanted for text in known)


def _texts(element: DataElement) -> list[str]:
    value = element.value
    several: Iterable[object] = value if isinstance(value, MultiValue | list) else [value]
    return [str("" if one is None else one).strip(_PADDING) for one in several] or [""]


# Names


def _is_name(key: str, name: str) -> bool:
    """Compare group by group: who asks in one writing finds a name that is known in several."""
    groups = [_folded(group) for group in name.split("=") if group]
    return all(
        any(_pattern(_folded(part)).fullmatch(group) is not None for group in groups) for part in key.split("=") if part
    )


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    """Return a name without regard to case and accents (C.2.2.2.1), a Korean syllable still one character for `?`."""
    return folded(text).rstrip("^ ")


@lru_cache(maxsize=256)
def _pattern(wildcards: str) -> re.Pattern[str]:
    # The library's pattern never goes back over a text, however many wildcards a modality sends; it knows sets too.
    return re.compile(fnmatch.translate(wildcards.replace("[", "[[]")))


# Dates and times


def _is_within(vr: str, wanted: str, known: str) -> bool:
    if not known:
        return False
    low, high = _bounds(vr, wanted)
    at = known if vr == "DA" else _earliest(known)
    return low <= at <= high


def _combined(query: Dataset) -> tuple[str, str] | None:
    """Return first and last moment where both are ranges: from one day's time to another's (K.6.1.2.2)."""
    dates, times = _digits(query[_START_DATE]), _digits(query[_START_TIME])
    if "-" not in dates or "-" not in times:
        return None
    (first, last), (begin, end) = _bounds("DA", dates), _bounds("TM", times)
    return first + begin, last + end


def _bounds(vr: str, wanted: str) -> tuple[str, str]:
    """Return both ends, included, of a range that may be open, or of what a single value leaves open (C.2.2.2.5)."""
    text = _plain(wanted)
    low, dash, high = (part.strip() for part in text.partition("-"))
    high = high if dash else low
    if vr == "DA":
        return low, high or "99999999"
    return _earliest(low), (high + _LAST_TIME[len(high) :])


def _earliest(time: str) -> str:
    return time + "000000.000000"[len(time) :]


def _digits(element: DataElement) -> str:
    return _plain(str(element.value or ""))


def _plain(text: str) -> str:
    """Return a date or time without the separators of ACR-NEMA 300, which old modalities still write."""
    if ":" in text:
        return text.replace(":", "")
    return re.sub(r"(\d{4})\.(\d\d)\.(\d\d)", r"\1\2\3", text)
