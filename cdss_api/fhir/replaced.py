"""Patients that others have taken the place of (FHIR R4 8.1.2, Patient.link)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from cdss_api.fhir.linked import by_id

REPLACED_BY, REPLACES = "replaced-by", "replaces"
_FARTHEST = 16  # Patients, one replaced by the other


def linked(patient: Mapping[str, Any], type_: str) -> list[str]:
    """Return the ids of the Patients that a Patient has links of this type to."""
    links = patient.get("link")
    found = []
    for one in links if isinstance(links, list) else ():
        other = one.get("other") if isinstance(one, dict) and one.get("type") == type_ else None
        kind, _, id_ = str(other.get("reference", "") if isinstance(other, dict) else "").partition("/")
        if kind == "Patient" and id_:
            found.append(id_)
    return found


def living(session: Session, ids: Iterable[str]) -> list[str]:
    """Return the Patients that these are now: each followed to the one that has replaced it."""
    found, seen = set(), set()
    left = set(ids)
    for _ in range(_FARTHEST):
        patients = by_id(session, "Patient", left)
        seen |= left
        follow: set[str] = set()
        for id_ in left:
            others = linked(patients.get(id_, {}), REPLACED_BY)
            if others:
                follow |= set(others)
            else:
                found.add(id_)
        left = follow - seen
        if not left:
            break
    return sorted(found | left)


def replaced_by(session: Session, ids: Iterable[str]) -> list[str]:
    """Return these Patients and all that they have replaced: the other way of `living`."""
    found: set[str] = set()
    left = set(ids)
    for _ in range(_FARTHEST):
        patients = by_id(session, "Patient", left)
        found |= left
        left = {one for patient in patients.values() for one in linked(patient, REPLACES)} - found
        if not left:
            break
    return sorted(found)
