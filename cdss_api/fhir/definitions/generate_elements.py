"""Makes `elements.json` from the unpacked npm package `hl7.fhir.r4b.core`: `python -m .. FOLDER`.

A type's members are those of its snapshot, a choice as the members that JSON has for it. Codes are of a binding only
where HL7 requires it and its value set is whole code systems or listed codes that the package holds; others are named.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cdss_api.fhir.definitions.elements import FILE
from cdss_api.fhir.definitions.generate import RESOURCES

_TARGET = "http://hl7.org/fhir/StructureDefinition/"
_CODED = frozenset({"code", "Coding", "CodeableConcept"})
_BACKBONES = frozenset({"BackboneElement", "Element"})
_LONGEST = 400  # codes; a longer list is kept by who maintains it (currencies, languages), not by a release of FHIR

Codes = dict[str, list[str]]


class Terminology:
    """The value sets and code systems of the package, by address."""

    def __init__(self, folder: Path) -> None:
        self._sets = _by_url(folder, "ValueSet")
        self._systems = _by_url(folder, "CodeSystem")

    def codes(self, url: str) -> Codes:
        """Return the codes of a value set by code system.

        Raises:
            LookupError: it is not enumerable from the package.
        """
        found = self._sets.get(url)
        if found is None or "compose" not in found or found["compose"].get("exclude"):
            raise LookupError(url)
        codes: dict[str, set[str]] = {}
        for part in found["compose"]["include"]:
            for system, listed in self._included(part):
                codes.setdefault(system, set()).update(listed)
        if sum(map(len, codes.values())) > _LONGEST:
            raise LookupError(url)
        return {system: sorted(codes[system]) for system in sorted(codes)}

    def _included(self, part: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
        if "filter" in part or ("valueSet" in part and "system" in part):
            raise LookupError("a filter")
        for url in part.get("valueSet", []):
            yield from self.codes(url.partition("|")[0]).items()
        if "system" not in part:
            return
        if "concept" in part:
            yield part["system"], [one["code"] for one in part["concept"]]
            return
        system = self._systems.get(part["system"])
        if system is None or system.get("content") != "complete":
            raise LookupError(part["system"])
        yield part["system"], list(_concepts(system.get("concept", [])))


def _by_url(folder: Path, kind: str) -> dict[str, dict[str, Any]]:
    read = (json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob(f"{kind}-*.json")))
    return {one["url"]: one for one in read}


def _concepts(concepts: list[dict[str, Any]]) -> Iterator[str]:
    for one in concepts:
        yield one["code"]
        yield from _concepts(one.get("concept", []))


class Elements:
    """The members of every type that the kept resources use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._terminology = Terminology(folder)
        self.types: dict[str, dict[str, dict[str, Any]]] = {}
        self.codes: dict[str, Codes] = {}

    def add(self, kind: str) -> None:
        """Add a type, and those of its members."""
        if kind in self.types or kind == "Resource":
            return
        file = self._folder / f"StructureDefinition-{kind}.json"
        read = json.loads(file.read_text(encoding="utf-8"))
        if read["kind"] == "primitive-type":
            return
        self.types[kind] = {}
        for element in read["snapshot"]["element"]:
            owner, _, name = element["path"].rpartition(".")
            if owner and element.get("max") != "0":
                self._add_members(owner, name, element)

    def _add_members(self, owner: str, name: str, element: Mapping[str, Any]) -> None:
        members = self.types.setdefault(owner, {})
        if "contentReference" in element:
            members[name] = {"type": element["contentReference"].partition("#")[2]} | _often(element)
            return
        choice = name.endswith("[x]")
        for one in element["type"]:
            kind = _kind(one, element["path"])
            member = name[:-3] + kind[0].upper() + kind[1:] if choice else name
            of = {"choice": name[:-3]} if choice else {}
            members[member] = {"type": kind} | of | _often(element) | self._more(kind, one, element)
            if kind != element["path"]:
                self.add(kind)

    def _more(self, kind: str, type_: Mapping[str, Any], element: Mapping[str, Any]) -> dict[str, Any]:
        if kind == "Reference":
            targets = sorted(one.removeprefix(_TARGET) for one in type_.get("targetProfile", []))
            return {"targets": targets} if targets and targets != ["Resource"] else {}
        binding = element.get("binding", {})
        if kind not in _CODED or binding.get("strength") != "required":
            return {}
        url = binding["valueSet"].partition("|")[0]
        try:
            self.codes[url] = self._terminology.codes(url)
        except LookupError:
            print(f"left out: {element['path']}: {url}", file=sys.stderr)
            return {}
        return {"codes": url}


def _often(element: Mapping[str, Any]) -> dict[str, bool]:
    told = {"required": element["min"] > 0, "many": element["max"] not in ("0", "1")}
    return {name: True for name, value in told.items() if value}


def _kind(type_: Mapping[str, Any], path: str) -> str:
    if type_["code"] in _BACKBONES:
        return path
    # FHIR's own types stand as FHIRPath's where they have no extension; which is meant stands beside it, but is wrong
    # for ids: a resource's is an id, an element's any string.
    if path.endswith(".id"):
        return "id" if path.removesuffix(".id") in RESOURCES else "string"
    told = (one["valueUrl"] for one in type_.get("extension", []) if one["url"].endswith("-fhir-type"))
    return str(next(told, type_["code"]))


def main() -> None:
    """Write the file: a line a type and a value set, so that a change can be read."""
    elements = Elements(Path(sys.argv[1]))
    for kind in (*RESOURCES, "Element"):
        elements.add(kind)
    parts = [
        f'"{name}": {{\n' + ",\n".join(f"{json.dumps(key)}: {_line(part[key])}" for key in sorted(part)) + "\n}"
        for name, part in (("codes", elements.codes), ("types", elements.types))
    ]
    FILE.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    main()
