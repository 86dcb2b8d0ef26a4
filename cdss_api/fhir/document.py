"""Resources as JSON text, and as values that lose nothing: a decimal keeps its digits (FHIR R4 2.6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import simplejson

DEEPEST = 64
Document = dict[str, Any]


class Unreadable(ValueError):
    """The text is no JSON object."""


def read(text: bytes | str) -> Document:
    """Return the object that a text is, with `Decimal` for each number that is no integer.

    Raises:
        Unreadable: it is none, names a member twice, or is nested too deeply.
    """
    try:
        value = simplejson.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_members)
    except (ValueError, RecursionError) as odd:
        raise Unreadable(str(odd)) from None
    if not isinstance(value, dict):
        raise Unreadable("a resource is a JSON object")
    if _depth(value) > DEEPEST:
        raise Unreadable(f"it is nested deeper than {DEEPEST}")
    return value


def read_stored(text: str) -> Document:
    """Return what `write` wrote: it was judged when it came."""
    document: Document = simplejson.loads(text, parse_float=Decimal)
    return document


def write(document: Mapping[str, Any]) -> str:
    """Return the text of what `read` gave."""
    return simplejson.dumps(document, use_decimal=True, ensure_ascii=False, separators=(",", ":"))


def _members(pairs: list[tuple[str, Any]]) -> Document:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object names a member twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0
