"""Whether a resource fits its definition (FHIR R4 2.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from cdss_api.fhir import binding, invariant, structure
from cdss_api.fhir.node import below, nodes
from cdss_api.fhir.outcome import Invalid, Issue

MOST_ISSUES = 50


def check(document: Mapping[str, Any]) -> None:
    """Raise Invalid where a resource does not fit; a warning alone stops nothing."""
    issues = list(problems(document))
    if any(one.severity == "error" for one in issues):
        raise Invalid(issues)


def problems(document: Mapping[str, Any]) -> Iterator[Issue]:
    """Yield what is wrong with a resource, `MOST_ISSUES` at most, and no value of it (it may be personal)."""
    return islice(_once(_problems(document)), MOST_ISSUES)


def _problems(document: Mapping[str, Any]) -> Iterator[Issue]:
    kind = document.get("resourceType")
    at = kind if isinstance(kind, str) and kind.isalnum() else "Resource"
    listed = list(nodes(document, at))
    first = [*_empty(document, at), *structure.of_nodes(listed)]
    yield from first or structure.of_model(document, at)
    yield from binding.of_nodes(listed)
    yield from invariant.of_nodes(listed)


def _once(issues: Iterable[Issue]) -> Iterator[Issue]:
    """Leave out what is told of the same place again: the first to tell it says the most."""
    told: set[str] = set()
    for one in issues:
        if one.expression not in told or one.code == "invariant":
            yield one
            told.add(one.expression)


def _empty(value: Any, at: str) -> Iterator[Issue]:
    # FHIR R4 2.6.1: an element is never empty, a member never null outside an array.
    if value in ({}, [], ""):
        yield Issue("error", "structure", "An element is never empty.", at)
    elif isinstance(value, dict):
        for name, member in value.items():
            place = below(at, name)
            if member is None:
                yield Issue("error", "structure", "A member is left out rather than null.", place)
            else:
                yield from _empty(member, place)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            if one is not None:
                yield from _empty(one, f"{at}[{number}]")
