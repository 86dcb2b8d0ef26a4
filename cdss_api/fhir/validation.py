"""Whether a resource fits its definition (FHIR R4 2.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cdss_api.fhir.outcome import Invalid, Issue


def check(document: Mapping[str, Any]) -> None:
    """Raise Invalid where a resource does not fit."""
    issues = list(problems(document))
    if issues:
        raise Invalid(issues)


def problems(document: Mapping[str, Any]) -> Iterator[Issue]:
    """Yield what is wrong with a resource."""
    yield from _empty(document, str(document.get("resourceType", "")))


def _empty(value: Any, at: str) -> Iterator[Issue]:
    # FHIR R4 2.6.1: an element is never empty, a member never null outside an array.
    if value in ({}, [], ""):
        yield Issue("error", "structure", "An element is never empty.", at)
    elif isinstance(value, dict):
        for name, below in value.items():
            if below is None:
                yield Issue("error", "structure", "A member is left out rather than null.", f"{at}.{name}")
            else:
                yield from _empty(below, f"{at}.{name}")
    elif isinstance(value, list):
        for number, below in enumerate(value):
            if below is not None:
                yield from _empty(below, f"{at}[{number}]")
