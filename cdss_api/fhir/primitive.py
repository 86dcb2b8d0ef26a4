"""FHIR R4's primitive types as JSON has them (2.24.0.1, 2.6.2): of which kind a value is, and of which form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

_YEAR = r"(?!0000)\d{4}"
_MONTH, _DAY = r"(0[1-9]|1[0-2])", r"(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
_ZONE = r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))"
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # half of a pair: no character
_LONGEST = 1 << 20  # characters of a string


def _form(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


def _is_day(text: str) -> bool:
    """Tell whether the day that a date or time names is in the calendar."""
    if len(text) < 10:
        return True
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _is_text(text: str) -> bool:
    return bool(text.strip()) and len(text) <= _LONGEST and not _CONTROLS.search(text) and not _SURROGATE.search(text)


def _is_base64(text: str) -> bool:
    return _BASE64.fullmatch("".join(text.split())) is not None


def _is_code(text: str) -> bool:
    return text == " ".join(text.split()) and bool(text)


def _is_xhtml(text: str) -> bool:
    bare = text.strip()
    return bare.startswith("<div") and bare.endswith(("</div>", "/>"))


_DATE = _form(f"{_YEAR}(-{_MONTH}(-{_DAY})?)?")
_DATE_TIME = _form(f"{_YEAR}(-{_MONTH}(-{_DAY}(T{_TIME}{_ZONE})?)?)?")
_INSTANT = _form(f"{_YEAR}-{_MONTH}-{_DAY}T{_TIME}{_ZONE}")
_URI = _form(r"\S+")

_TEXTS: Mapping[str, tuple[Callable[[str], bool], str]] = MappingProxyType(
    {
        "base64Binary": (_is_base64, "Send base64 (RFC 4648, 4) with its padding."),
        "canonical": (_URI, "Send an address without spaces."),
        "code": (_is_code, "Send a code: no space before or after it, and single ones in it."),
        "date": (lambda text: _DATE(text) and _is_day(text), "Send a date like 2024, 2024-05 or 2024-05-17."),
        "dateTime": (
            lambda text: _DATE_TIME(text) and _is_day(text),
            "Send a date, or a time with seconds and zone like 2024-05-17T09:30:00+09:00.",
        ),
        "id": (_form(r"[A-Za-z0-9.-]{1,64}"), "Send up to 64 letters, digits, '-' and '.'."),
        "instant": (
            lambda text: _INSTANT(text) and _is_day(text),
            "Send a time with seconds and zone like 2024-05-17T09:30:00+09:00.",
        ),
        "markdown": (_is_text, "Send text that is more than spaces, without control characters."),
        "oid": (_form(r"urn:oid:[0-2](\.(0|[1-9]\d*))+"), "Send an OID like urn:oid:1.2.3."),
        "string": (_is_text, "Send text that is more than spaces, without control characters."),
        "time": (_form(_TIME), "Send a time of day like 09:30:00, without zone."),
        "uri": (_URI, "Send an address without spaces."),
        "url": (_URI, "Send an address without spaces."),
        "uuid": (
            _form(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
            "Send a UUID as urn:uuid: in lower case.",
        ),
        "xhtml": (_is_xhtml, "Send XHTML whose root is a div."),
    }
)
_RANGES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "integer": (-(1 << 31), (1 << 31) - 1),
        "positiveInt": (1, (1 << 31) - 1),
        "unsignedInt": (0, (1 << 31) - 1),
    }
)
PRIMITIVES = frozenset({"boolean", "decimal", *_TEXTS, *_RANGES})


def fault(kind: str, value: Any) -> str | None:
    """Return what to send instead of a value of a primitive type; None where it is as it should be."""
    if kind == "boolean":
        return None if isinstance(value, bool) else "Send true or false, without quotation marks."
    if kind == "decimal":
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        return None if number else "Send a JSON number, without quotation marks."
    if kind in _RANGES:
        low, high = _RANGES[kind]
        whole = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if whole else f"Send a whole JSON number from {low} to {high}."
    fits, told = _TEXTS[kind]
    if not isinstance(value, str):
        return f"Send a JSON string. {told}"
    return None if fits(value) else told
