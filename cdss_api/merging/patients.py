"""The two Patients before and after a merge: pure functions of FHIR R4 documents."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from cdss_api.fhir.document import Document
from cdss_api.fhir.replaced import REPLACED_BY, REPLACES

OLD = "old"


def replaced(source: Document, target: str) -> Document:
    """Return the source as it stands after the merge: not active, and replaced by the target."""
    return {**source, "active": False, "link": _with(source, target, REPLACED_BY)}


def replacing(target: Document, source: Document) -> Document:
    """Return the target after the merge: it replaces the source and has its identifiers, as old ones."""
    known = {_key(one) for one in target.get("identifier", ())}
    gained = [{**one, "use": OLD} for one in source.get("identifier", ()) if _key(one) not in known]
    made = {**target, "link": _with(target, str(source["id"]), REPLACES)}
    identifiers = [*target.get("identifier", ()), *copy.deepcopy(gained)]
    return {**made, "identifier": identifiers} if identifiers else made


def apart(now: Document, before: Document, other: str, type_: str) -> Document:
    """Return a Patient of a merge that is undone, where others have changed it since: what the merge added is gone.

    `before` is the Patient before the merge, `other` and `type_` the link that the merge gave it.
    """
    made = dict(now)
    links = [one for one in now.get("link", ()) if not _is(one, other, type_) or one in before.get("link", ())]
    had = {_key(one) for one in before.get("identifier", ())}
    identifiers = [one for one in now.get("identifier", ()) if one.get("use") != OLD or _key(one) in had]
    for name, kept in (("link", links), ("identifier", identifiers)):
        made.pop(name, None)
        if kept:
            made[name] = kept
    if type_ == REPLACED_BY:
        made.pop("active", None)
        if "active" in before:
            made["active"] = before["active"]
    return made


def moved(document: Document, source: str, target: str) -> Document:
    """Return a resource in which every reference to one Patient is one to another; what it displays goes with it."""
    found: Document = _moved(document, f"Patient/{source}", f"Patient/{target}")
    return found


def _moved(value: Any, old: str, new: str) -> Any:
    if isinstance(value, list):
        return [_moved(one, old, new) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: _moved(member, old, new) for name, member in value.items()}
    if value.get("reference") == old:
        made = {name: member for name, member in made.items() if name not in ("display", "identifier")}
        made["reference"] = new
    return made


def _with(patient: Document, other: str, type_: str) -> list[dict[str, Any]]:
    links: Sequence[Mapping[str, Any]] = patient.get("link", ())
    added = {"other": {"reference": f"Patient/{other}"}, "type": type_}
    return [*(dict(one) for one in links if not _is(one, other, type_)), added]


def _is(link: Mapping[str, Any], other: str, type_: str) -> bool:
    return link.get("type") == type_ and (link.get("other") or {}).get("reference") == f"Patient/{other}"


def _key(identifier: Mapping[str, Any]) -> tuple[Any, Any]:
    return identifier.get("system"), identifier.get("value")
