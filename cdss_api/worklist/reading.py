"""The entries of all active imaging orders, read from the store's tables in one transaction."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, bindparam, func, not_, select
from sqlalchemy.orm import Session, aliased

from cdss_api.fhir.document import Document, read
from cdss_api.fhir.models import ReferenceValue, Resource, TokenValue, Version
from cdss_api.worklist.mapping import BODY_WEIGHT, LOINC, Surroundings, entry_of, links_of
from neuronova.contract.worklist import Entry

log = logging.getLogger(__name__)

State = tuple[int, ...]
Value = TypeVar("Value")
Linked = Mapping[str, Sequence[Document]]

RELEVANT = (
    *("AllergyIntolerance", "Appointment", "Device", "Observation"),
    *("Patient", "Practitioner", "ServiceRequest", "Task"),
)
_WINDOW = 60_000_000  # microseconds; longer than any transaction lasts
_NEWEST = select(
    *(select(func.max(Resource.updated)).where(Resource.kind == kind).scalar_subquery() for kind in RELEVANT)
)
_LATE = select(func.count(), func.sum(Resource.version)).where(
    Resource.kind.in_(RELEVANT), Resource.updated >= bindparam("since")
)
_CHUNK = 500  # values in one IN: below every database's limit


def state_of(session: Session) -> State:
    """Return what is the same only while no relevant resource changes; all of it is answered by one index.

    Each change makes its resource's time the newest or nearly so. Of two transactions the one with the earlier time
    may end later, and two may have the same: so what changed in the last minute is counted too, versions and all.
    """
    newest = [time or 0 for time in session.execute(_NEWEST).one()]
    count, versions = session.execute(_LATE, {"since": max(newest) - _WINDOW}).one()
    return (*newest, int(count), int(versions or 0))


def read_entries(session: Session) -> tuple[Entry, ...]:
    """Return the worklist in the order of the orders' ids; what DICOM cannot carry is left out and logged."""
    orders = sorted(_active_orders(session), key=lambda order: str(order["id"]))
    patients = _by_id(session, {_patient_of(order) for order in orders}, "Patient")
    orders = [order for order in orders if _patient_of(order) in patients]
    weights = _about(session, "Observation", "patient", "Patient", patients, _is_weight())
    allergies = _about(session, "AllergyIntolerance", "patient", "Patient", patients)
    names = {order["id"]: order for order in orders}
    appointments = _about(session, "Appointment", "based-on", "ServiceRequest", names)
    tasks = _merged(_about(session, "Task", code, "ServiceRequest", names) for code in ("focus", "based-on"))
    links = {
        link for id_, order in names.items() for link in links_of(order, appointments.get(id_, ()), tasks.get(id_, ()))
    }
    directory = {
        f"{kind}/{id_}": document
        for kind in ("Device", "Practitioner")
        for id_, document in _by_id(
            session, {link.partition("/")[2] for link in links if link.startswith(kind)}, kind
        ).items()
    }
    entries = []
    for id_, order in names.items():
        patient = _patient_of(order)
        around = Surroundings(
            patient=patients[patient],
            weights=weights.get(patient, ()),
            allergies=allergies.get(patient, ()),
            appointments=appointments.get(id_, ()),
            tasks=tasks.get(id_, ()),
            directory=directory,
        )
        try:
            entry = entry_of(order, around)
        except ValueError as odd:
            log.warning("ServiceRequest/%s is not on the worklist: %s", id_, odd)
            continue
        if entry is not None:
            entries.append(entry)
    return tuple(entries)


def _active_orders(session: Session) -> list[Document]:
    active = and_(TokenValue.kind == "ServiceRequest", TokenValue.code == "status", TokenValue.value == "active")
    numbers = session.scalars(select(TokenValue.number).where(active))
    return list(_documents(session, numbers))


def _patient_of(order: Document) -> str:
    kind, _, id_ = str(order.get("subject", {}).get("reference", "")).partition("/")
    return id_ if kind == "Patient" else ""


def _by_id(session: Session, ids: Iterable[str], kind: str) -> dict[str, Document]:
    numbers: list[int] = []
    for some in _chunks(ids):
        numbers += session.scalars(select(Resource.number).where(Resource.kind == kind, Resource.logical_id.in_(some)))
    return {document["id"]: document for document in _documents(session, numbers)}


def _is_weight() -> ColumnElement[bool]:
    coded = aliased(TokenValue)
    return (
        select(coded.row)
        .where(coded.number == ReferenceValue.number, coded.kind == "Observation", coded.code == "code")
        .where(coded.value == BODY_WEIGHT, coded.system == LOINC)
        .exists()
    )


def _about(
    session: Session, kind: str, code: str, target: str, targets: Iterable[str], *more: ColumnElement[bool]
) -> Linked:
    """Return by target the resources that refer to it, the newest first."""
    pairs: list[tuple[str, int]] = []
    for some in _chunks(targets):
        of = (
            ReferenceValue.kind == kind,
            ReferenceValue.code == code,
            ReferenceValue.target_id.in_(some),
            ReferenceValue.target_kind == target,
        )
        rows = session.execute(select(ReferenceValue.target_id, ReferenceValue.number).where(*of, *more))
        pairs += [(of_whom, number) for of_whom, number in rows]
    documents = _numbered(session, {number for _, number in pairs})
    found: dict[str, list[Document]] = defaultdict(list)
    for of_whom, number in dict.fromkeys(pairs):
        if number in documents:
            found[of_whom].append(documents[number])
    return {of_whom: _newest_first(some) for of_whom, some in found.items()}


def _merged(found: Iterable[Linked]) -> Linked:
    """Return both, each resource once: a Task may name an order as its focus and as what it is based on."""
    merged: dict[str, dict[str, Document]] = defaultdict(dict)
    for linked in found:
        for target, documents in linked.items():
            merged[target] |= {document["id"]: document for document in documents}
    return {target: _newest_first(documents.values()) for target, documents in merged.items()}


def _newest_first(documents: Iterable[Document]) -> list[Document]:
    return sorted(documents, key=lambda one: (one["meta"]["lastUpdated"], one["id"]), reverse=True)


def _documents(session: Session, numbers: Iterable[int]) -> Iterator[Document]:
    yield from _numbered(session, numbers).values()


def _numbered(session: Session, numbers: Iterable[int]) -> dict[int, Document]:
    found: dict[int, Document] = {}
    for some in _chunks(numbers):
        rows = (
            select(Resource.number, Version.body)
            .join(Version, and_(Version.number == Resource.number, Version.version == Resource.version))
            .where(Resource.number.in_(some), not_(Resource.deleted))
        )
        found |= {number: read(body) for number, body in session.execute(rows) if body is not None}
    return found


def _chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    listed = list(values)
    for start in range(0, len(listed), _CHUNK):
        yield listed[start : start + _CHUNK]
