"""Makes `search_parameters.json` from the unpacked npm package `hl7.fhir.r4b.core`: `python -m .. FOLDER`.

HL7 words where values stand as FHIRPath. R4's own parameters use little of it: a path, the choice of a type, the target
of a reference, one condition. What uses more is left out and named.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cdss_api.fhir.definitions import FILE, PRESENT, Kind

RESOURCES = (
    *("AllergyIntolerance", "Appointment", "AuditEvent", "CareTeam", "Condition", "Device", "DiagnosticReport"),
    *("DocumentReference", "Encounter", "Endpoint", "ImagingStudy", "MedicationRequest", "Observation", "Organization"),
    *(
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Provenance",
        "ServiceRequest",
        "Specimen",
        "Subscription",
        "Task",
    ),
)
_CAST = re.compile(r"^\(?([\w.]+?)(?: as |\.as\()([\w.]+)\)?\)?(\.\w+)?$")
_RESOLVE = re.compile(r"^([\w.]+)\.where\(resolve\(\) is (\w+)\)$")
_WHERE = re.compile(r"^([\w.]+)\.where\((\w+)='(\w+)'\)$")
_PLAIN = re.compile(r"^[\w.]+$")
_DECEASED = "Patient.deceased.exists() and Patient.deceased != false"
_OF_ALL = (
    ("_id", "token", "id", "id"),
    ("_lastUpdated", "date", "meta.lastUpdated", "instant"),
    ("_profile", "uri", "meta.profile", "canonical"),
    ("_security", "token", "meta.security", "Coding"),
    ("_tag", "token", "meta.tag", "Coding"),
)


class Definitions:
    """The elements of FHIR's types."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._types: dict[str, dict[str, Any]] = {}

    def places(self, kind: str, path: str, cast: str | None) -> Iterator[tuple[str, str]]:
        """Yield the JSON members and the type of what a path of a type or resource leads to."""
        yield from self._below(kind, kind, path.split("."), cast, [])

    def _below(
        self, owner: str, at: str, rest: list[str], cast: str | None, done: list[str]
    ) -> Iterator[tuple[str, str]]:
        elements = self._elements(owner)
        name, *further = rest
        plain, choice = elements.get(f"{at}.{name}"), elements.get(f"{at}.{name}[x]")
        if plain is None and choice is None:
            raise LookupError(f"{at}.{name}")
        for member, code in _members(name, plain, choice):
            if further and code == "BackboneElement":
                yield from self._below(owner, f"{at}.{name}", further, cast, [*done, member])
            elif further:
                yield from self._below(code, code, further, cast, [*done, member])
            elif cast is None or code == cast or not choice:
                yield ".".join([*done, member]), code

    def _elements(self, kind: str) -> Mapping[str, Any]:
        if kind not in self._types:
            read = json.loads((self._folder / f"StructureDefinition-{kind}.json").read_text(encoding="utf-8"))
            self._types[kind] = {one["path"]: one for one in read["snapshot"]["element"]}
        return self._types[kind]


def _members(name: str, plain: Any, choice: Any) -> Iterator[tuple[str, str]]:
    if plain is not None:
        codes = [one["code"] for one in plain.get("type", [])]
        yield name, _simple(codes[0]) if codes else "BackboneElement"
        return
    for code in dict.fromkeys(one["code"] for one in choice["type"]):
        yield name + code[0].upper() + code[1:], code


def _simple(code: str) -> str:
    # Primitive types stand as FHIRPath's own there.
    return "string" if code.startswith("http://hl7.org/fhirpath/") else code


def places_of(definitions: Definitions, kind: str, expression: str) -> Iterator[dict[str, str]]:
    """Yield the places of one resource type that an expression names.

    Raises:
        LookupError: it uses more of FHIRPath than is read here.
    """
    for part in (one.strip() for one in expression.split(" | ")):
        if not part.lstrip("(").startswith(f"{kind}."):
            continue
        yield from _of_part(definitions, kind, part)


def _of_part(definitions: Definitions, kind: str, part: str) -> Iterator[dict[str, str]]:
    cast, more = None, {}
    path = part
    if part == _DECEASED:
        path = f"{kind}.deceased"
    elif found := _RESOLVE.match(part):
        path, more = found[1], {"only": found[2]}
    elif found := _WHERE.match(part):
        path, more = found[1], {"where": f"{found[2]}={found[3]}"}
    elif found := _CAST.match(part):
        path, cast = found[1], found[2]
        if found[3]:
            yield from ({"path": f"{one}{found[3]}", "type": "string"} for one, _ in _below(definitions, path, cast))
            return
    elif not _PLAIN.match(part):
        raise LookupError(part)
    for where, code in _below(definitions, path, cast):
        # Of what only has to be there, any value but a boolean says that it is.
        yield {"path": where, "type": PRESENT if part == _DECEASED and code != "boolean" else code, **more}


def _below(definitions: Definitions, path: str, cast: str | None) -> Iterator[tuple[str, str]]:
    kind, _, rest = path.partition(".")
    return definitions.places(kind, rest, cast)


def search_parameters(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each supported parameter with the resource type that it is of."""
    definitions = Definitions(folder)
    for kind in RESOURCES:
        for code, type_, path, leaf in _OF_ALL:
            yield kind, {"code": code, "kind": type_, "places": [{"path": path, "type": leaf}]}
    for file in sorted(folder.glob("SearchParameter-*.json")):
        read = json.loads(file.read_text(encoding="utf-8"))
        if read["type"] not in set(Kind) or "expression" not in read or read["code"].startswith("_"):
            continue
        for kind in sorted(set(read["base"]) & set(RESOURCES)):
            try:
                places = list(places_of(definitions, kind, read["expression"]))
            except LookupError as odd:
                print(f"left out: {kind} {read['code']}: {odd}", file=sys.stderr)
                continue
            if places:
                targets = {"targets": sorted(set(read["target"]))} if read.get("target") else {}
                yield kind, {"code": read["code"], "kind": read["type"], "places": places, **targets}


def main() -> None:
    """Write the file."""
    table: dict[str, dict[str, Any]] = {kind: {} for kind in RESOURCES}
    for kind, parameter in search_parameters(Path(sys.argv[1])):
        table[kind].setdefault(parameter["code"], parameter)
    listed = {kind: [found[code] for code in sorted(found)] for kind, found in table.items()}
    FILE.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
