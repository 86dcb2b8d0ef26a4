"""The members of FHIR R4's types as JSON has them: their types, and the codes that HL7 requires.

`elements.json` is made by `python -m cdss_api.fhir.definitions.generate_elements FOLDER` from HL7's own definitions
(npm package `hl7.fhir.r4b.core`, CC0). A part of a type that has no name of its own is called by its path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("elements.json")

Codes = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Element:
    """One member: its type, the choice that it is one of, how often it stands, its codes, what it may refer to."""

    type: str
    choice: str = ""
    required: bool = False
    many: bool = False
    codes: Codes | None = None
    targets: frozenset[str] = frozenset()


@cache
def types() -> Mapping[str, Mapping[str, Element]]:
    """Return the members of every type by name."""
    read = json.loads(FILE.read_text(encoding="utf-8"))
    sets = {url: {system: frozenset(one) for system, one in codes.items()} for url, codes in read["codes"].items()}
    return {
        kind: {
            name: Element(
                type=one["type"],
                choice=one.get("choice", ""),
                required=one.get("required", False),
                many=one.get("many", False),
                codes=sets.get(one.get("codes", "")),
                targets=frozenset(one.get("targets", ())),
            )
            for name, one in members.items()
        }
        for kind, members in read["types"].items()
    }
