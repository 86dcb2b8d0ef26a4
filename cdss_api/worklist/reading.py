"""The entries of all active imaging orders, read from the store's tables in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, bindparam, func, select
from sqlalchemy.orm import Session, aliased

from cdss_api.fhir.document import Document
from cdss_api.fhir.linked import about, by_id, merged, numbered
from cdss_api.fhir.models import ReferenceValue, Resource, TokenValue
from cdss_api.worklist.mapping import BODY_WEIGHT, LOINC, Surroundings, entry_of, links_of
from neuronova.contract.worklist import Entry

log = logging.getLogger(__name__)

State = tuple[int, ...]

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
    return read_entries_of(session, _active_orders(session))


def read_entries_of(session: Session, orders: Iterable[Document]) -> tuple[Entry, ...]:
    """Return the entries of those of these orders that have one."""
    orders = sorted(orders, key=lambda order: str(order["id"]))
    patients = by_id(session, "Patient", {_patient_of(order) for order in orders})
    orders = [order for order in orders if _patient_of(order) in patients]
    weights = about(session, "Observation", "patient", "Patient", patients, _is_weight())
    allergies = about(session, "AllergyIntolerance", "patient", "Patient", patients)
    names = {order["id"]: order for order in orders}
    appointments = about(session, "Appointment", "based-on", "ServiceRequest", names)
    tasks = merged(about(session, "Task", code, "ServiceRequest", names) for code in ("focus", "based-on"))
    links = {
        link for id_, order in names.items() for link in links_of(order, appointments.get(id_, ()), tasks.get(id_, ()))
    }
    directory = {
        f"{kind}/{id_}": document
        for kind in ("Device", "Practitioner")
        for id_, document in by_id(
            session, kind, {link.partition("/")[2] for link in links if link.startswith(kind)}
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
    return list(numbered(session, numbers).values())


def _patient_of(order: Document) -> str:
    kind, _, id_ = str(order.get("subject", {}).get("reference", "")).partition("/")
    return id_ if kind == "Patient" else ""


def _is_weight() -> ColumnElement[bool]:
    coded = aliased(TokenValue)
    return (
        select(coded.row)
        .where(coded.number == ReferenceValue.number, coded.kind == "Observation", coded.code == "code")
        .where(coded.value == BODY_WEIGHT, coded.system == LOINC)
        .exists()
    )
