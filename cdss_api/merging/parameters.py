"""What a merge is asked for with: the Parameters of FHIR R5's Patient/$merge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cdss_api.fhir.document import Document
from cdss_api.fhir.outcome import Refused

_MOST = 20  # parameters


class Token(NamedTuple):
    """An identifier's system and value."""

    system: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two Patients: its id, or identifiers that it alone has; what it is asked by is named in errors."""

    name: str
    id: str = ""
    identifiers: tuple[Token, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A merge; `result` is the target as it shall become."""

    source: Side
    target: Side
    result: Document | None
    preview: bool


def asked(document: Document) -> Asked:
    """Return what a body asks.

    Raises:
        Refused: 400 for what is no Parameters of this operation.
    """
    if document.get("resourceType") != "Parameters":
        raise _refused("The body is a Parameters resource.")
    listed = document.get("parameter")
    if not isinstance(listed, list) or len(listed) > _MOST or not all(isinstance(one, dict) for one in listed):
        raise _refused(f"Send up to {_MOST} parameters.")
    given: dict[str, list[Mapping[str, Any]]] = {}
    for one in listed:
        given.setdefault(str(one.get("name", ""))[:64], []).append(one)
    known = {f"{side}-patient{more}" for side in ("source", "target") for more in ("", "-identifier")}
    unknown = sorted(given.keys() - known - {"result-patient", "preview"})
    if unknown:
        raise _refused(f"There is no parameter {unknown[0]}.")
    result = _only(given, "result-patient").get("resource")
    if "result-patient" in given and (not isinstance(result, dict) or result.get("resourceType") != "Patient"):
        raise _refused("result-patient is a Patient.")
    preview = _only(given, "preview").get("valueBoolean", False)
    if not isinstance(preview, bool):
        raise _refused("preview is a valueBoolean.")
    return Asked(source=_side(given, "source"), target=_side(given, "target"), result=result, preview=preview)


def _side(given: Mapping[str, list[Mapping[str, Any]]], side: str) -> Side:
    name = f"{side}-patient"
    reference = _only(given, name).get("valueReference")
    identifiers = tuple(_token(one, name) for one in given.get(f"{name}-identifier", ()))
    link = reference.get("reference", "") if isinstance(reference, dict) else ""
    kind, _, id_ = str(link).rpartition("/")
    if reference is not None and (kind != "Patient" or not id_):
        raise _refused(f"{name} is a reference like Patient/123.")
    if not id_ and not identifiers:
        raise _refused(f"{name} or {name}-identifier is missing.")
    return Side(name=name, id=id_, identifiers=identifiers)


def _token(parameter: Mapping[str, Any], name: str) -> Token:
    value = parameter.get("valueIdentifier")
    if not isinstance(value, dict) or not isinstance(value.get("value"), str) or not value["value"]:
        raise _refused(f"{name}-identifier is a valueIdentifier with a value.")
    return Token(str(value.get("system", "")), value["value"])


def _only(given: Mapping[str, list[Mapping[str, Any]]], name: str) -> Mapping[str, Any]:
    some = given.get(name, [])
    if len(some) > 1:
        raise _refused(f"{name} is given once.")
    return some[0] if some else {}


def _refused(told: str) -> Refused:
    return Refused(400, "invalid", told)
