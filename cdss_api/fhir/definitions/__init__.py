"""What FHIR R4 says of each resource that is kept: its search parameters, and where in the JSON their values stand.

`search_parameters.json` is made by `python -m cdss_api.fhir.definitions.generate FOLDER` from HL7's own definitions
(npm package `hl7.fhir.r4b.core`, CC0), so that nothing is typed by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("search_parameters.json")


PRESENT = "present"  # in place of a FHIR type, where the value is that there is one


class Kind(StrEnum):
    """The types of search parameters that are supported (FHIR R4 3.1.1.4)."""

    DATE = "date"
    NUMBER = "number"
    QUANTITY = "quantity"
    REFERENCE = "reference"
    STRING = "string"
    TOKEN = "token"  # noqa: S105 - no password
    URI = "uri"


@dataclass(frozen=True, slots=True)
class Place:
    """Where values stand: the JSON members from the resource down, and the FHIR type of the last.

    `only` keeps the references to one type, `where` the elements of which a member has a value.
    """

    path: tuple[str, ...]
    type: str
    only: str | None = None
    where: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of a resource type."""

    code: str
    kind: Kind
    places: tuple[Place, ...]
    targets: tuple[str, ...] = ()


@cache
def parameters() -> Mapping[str, Mapping[str, Parameter]]:
    """Return the search parameters by resource type and code."""
    read = json.loads(FILE.read_text(encoding="utf-8"))
    return {kind: {one["code"]: _parameter(one) for one in listed} for kind, listed in read.items()}


def _parameter(read: Mapping[str, object]) -> Parameter:
    places = read["places"]
    targets = read.get("targets", [])
    assert isinstance(places, list) and isinstance(targets, list)  # noqa: S101 - for the type checker
    return Parameter(
        code=str(read["code"]),
        kind=Kind(str(read["kind"])),
        places=tuple(_place(one) for one in places),
        targets=tuple(targets),
    )


def _place(read: Mapping[str, str]) -> Place:
    where = read.get("where")
    name, _, value = (where or "").partition("=")
    return Place(
        path=tuple(read["path"].split(".")),
        type=read["type"],
        only=read.get("only"),
        where=(name, value) if where else None,
    )
