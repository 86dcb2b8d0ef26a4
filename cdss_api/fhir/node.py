"""A resource as its nodes: what stands where, and of which type it is by HL7's definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cdss_api.fhir.definitions.elements import Element, types

RESOURCE = "Resource"
_ANY = Element("")
_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}", re.ASCII)


class Node(NamedTuple):
    """A value, where it stands, and its definition; `element.type` is empty where there is none."""

    at: str
    name: str
    value: Any
    element: Element


def nodes(document: Mapping[str, Any], at: str) -> Iterator[Node]:
    """Yield a resource and all that is in it, the outer before the inner.

    Of a resource of a type that is not kept, which may be contained, only the resource itself.
    """
    kind = document.get("resourceType")
    element = Element(kind) if isinstance(kind, str) and kind in types() else _ANY
    yield Node(at, "", document, element)
    if element is not _ANY:
        yield from _members(document, element.type, at)


def below(at: str, name: str) -> str:
    """Return the expression of a member; one that no definition can name is not repeated, it may be personal."""
    return f"{at}.{name if _NAME.fullmatch(name) else '?'}"


def _members(owner: Mapping[str, Any], kind: str, at: str) -> Iterator[Node]:
    known = types()[kind]
    for name, value in owner.items():
        # A primitive's id and extensions stand beside it (FHIR R4 2.6.2).
        beside = name.startswith("_")
        element = known.get(name[1:] if beside else name, _ANY)
        if beside:
            element = Element("Element") if element.type and element.type not in types() else _ANY
        for place, one in _each(value, below(at, name)):
            # A null in an array keeps the place of what has extensions only, or of what has none (FHIR R4 2.6.2).
            if one is not None or (not beside and element.type in types()):
                yield from _node(place, name, one, element)


def _each(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield f"{at}[{number}]", one
    else:
        yield at, value


def _node(at: str, name: str, value: Any, element: Element) -> Iterator[Node]:
    if element.type == RESOURCE and isinstance(value, dict):
        yield from nodes(value, at)
        return
    yield Node(at, name, value, element)
    if element.type in types() and isinstance(value, dict):
        yield from _members(value, element.type, at)
