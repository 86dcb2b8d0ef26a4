"""Which orders a step carries out, and what all steps of an order say of it together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdss_api.fhir.interactions import alone_with
from cdss_api.fhir.keeping import current
from cdss_api.fhir.moment import micros_of
from cdss_api.fhir.store import Store
from cdss_api.imaging.matching import match
from cdss_api.imaging.orders import named_orders, subjects_of
from cdss_api.mpps.models import PerformedOrder, PerformedStep
from cdss_api.mpps.steps import Scheduled, StepStatus, performed_of
from cdss_api.reading.saying import is_carried_out, said_at, say
from neuronova.contract.grants import Patient

_NO_REASON = "discontinued at the modality"


@dataclass(frozen=True, slots=True)
class _Named:
    study: str
    accession_number: str
    patient_id: str
    issuer: str


def alone_with_steps(store: Store, whom: Patient) -> None:
    """Let no order of a patient come while a step of theirs changes, nor the other way: neither would see the other."""
    alone_with(store, "PerformedStep", [(whom.patient_id, whom.issuer)])


def link(session: Session, step: PerformedStep) -> list[str]:
    """Note the orders that a step was scheduled by and that were not known before; return their ids."""
    whom = Patient(step.patient_id, step.issuer)
    meant = {id_ for one in step.scheduled if (id_ := _order_of(session, Scheduled(**one), whom))}
    known = session.scalars(select(PerformedOrder.order_id).where(PerformedOrder.uid == step.uid))
    found = sorted(meant - set(known))
    session.add_all([PerformedOrder(uid=step.uid, order_id=id_) for id_ in found])
    session.flush()
    return found


def speak(store: Store, orders: Iterable[str]) -> None:
    """Have each order say what all its steps say together."""
    for id_ in sorted(orders):
        order = current(store, "ServiceRequest", id_)
        if order is not None and is_carried_out(order):
            performed, reason = performed_of(_steps_of(store.session, id_))
            say(store, order, performed, reason or _NO_REASON)


def catch_up(store: Store, order: str) -> None:
    """Have an order say what its steps said before it was known, unless somebody has said something since."""
    of_order = select(func.max(PerformedStep.told)).join(PerformedOrder).where(PerformedOrder.order_id == order)
    told = store.session.scalar(of_order)
    since = said_at(store, order)
    if told is not None and (since is None or since < micros_of(told)):
        speak(store, [order])


def _order_of(session: Session, scheduled: Scheduled, whom: Patient) -> str | None:
    """Return the one order that a step was scheduled by: of the same patient, by its study first.

    An accession number that several orders share names none of them for sure.
    """
    if not whom.patient_id:
        return None
    named = _Named(scheduled.study, scheduled.accession_number, whom.patient_id, whom.issuer)
    verdict = match(named, subjects_of(session, whom), named_orders(session, named))
    planned = [one for one in verdict.orders if one.study_uid == scheduled.study]
    meant = planned or verdict.orders
    return meant[0].id if len(meant) == 1 else None


def _steps_of(session: Session, order: str) -> list[tuple[StepStatus, str]]:
    rows = select(PerformedStep.status, PerformedStep.reason).join(PerformedOrder).order_by(PerformedStep.told)
    return [
        (StepStatus(status), reason) for status, reason in session.execute(rows.where(PerformedOrder.order_id == order))
    ]
