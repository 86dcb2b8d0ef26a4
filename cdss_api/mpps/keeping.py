"""Steps as they are kept: each request is one transaction, with what the orders then say, and is on disk at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cdss_api.accounts.recording import Actor
from cdss_api.consequences import writing
from cdss_api.fhir.keeping import current
from cdss_api.fhir.store import Store
from cdss_api.imaging.matching import match
from cdss_api.imaging.orders import named_orders, subjects_of
from cdss_api.mpps.models import PerformedOrder, PerformedStep
from cdss_api.mpps.steps import Begun, Failure, Refused, Scheduled, StepStatus, Told, performed_of, require_open
from cdss_api.reading.saying import is_carried_out, say
from cdss_api.service import Service
from neuronova.contract.audit import Action, Event, Outcome
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role

ACTOR = Actor(subject="service:mpps", role=Role.SERVICE)
_NOT_TOLD = 0  # the status of an answer that is given after this is recorded
_NO_REASON = "discontinued at the modality"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Who tells of a step: a modality of the table, its address, and the issuer of the PatientIDs it sends without."""

    title: str
    address: str
    issuer: str


@dataclass(frozen=True, slots=True)
class _Named:
    study: str
    accession_number: str
    patient_id: str
    issuer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """What the modalities' requests do to the record."""

    service: Service

    def create(self, sender: Sender, uid: str, begun: Begun) -> None:
        """Keep a step that has begun (N-CREATE).

        Raises:
            Refused: there is such a step.
            JournalFailed: it cannot be recorded, so nothing is kept.
        """
        issuer = begun.issuer or sender.issuer
        whom = Patient(begun.patient_id, issuer)
        with writing(self.service, ACTOR) as store:
            session = store.session
            step = PerformedStep(
                uid=uid,
                title=sender.title,
                station=begun.station,
                modality=begun.modality,
                step_id=begun.step_id,
                status=StepStatus.IN_PROGRESS,
                began=begun.began,
                ended=None,
                reason="",
                series=begun.series,
                patient_id=whom.patient_id,
                issuer=whom.issuer,
                patient_name=begun.patient_name,
                scheduled=[asdict(one) for one in begun.scheduled],
                told=self.service.now(),
            )
            with _as_duplicate():
                session.add(step)
                session.flush()
            orders = sorted({id_ for one in begun.scheduled if (id_ := _order_of(session, one, whom))})
            session.add_all([PerformedOrder(uid=uid, order_id=id_) for id_ in orders])
            session.flush()
            _say(store, orders)
            self._record(sender, step, "N-CREATE")

    def change(self, sender: Sender, uid: str, told: Told) -> None:
        """Change a step, or end it (N-SET).

        Raises:
            Refused: there is no such step, it has ended, or another modality began it.
            JournalFailed: it cannot be recorded, so nothing is changed.
        """
        with writing(self.service, ACTOR) as store:
            session = store.session
            step = session.get(PerformedStep, uid, with_for_update=True)
            if step is None:
                raise Refused(Failure.NO_SUCH_INSTANCE, "there is no such step")
            if step.title != sender.title:
                raise Refused(Failure.NOT_AUTHORISED, "another modality began this step")
            require_open(StepStatus(step.status))
            step.told = self.service.now()
            step.series = step.series if told.series is None else told.series
            step.ended = step.ended if told.ended is None else told.ended
            step.reason = told.reason or ""
            if told.status not in (None, step.status):
                step.status = told.status
                session.flush()
                _say(store, session.scalars(select(PerformedOrder.order_id).where(PerformedOrder.uid == uid)))
            self._record(sender, step, "N-SET")

    def _record(self, sender: Sender, step: PerformedStep, route: str) -> None:
        event = Event(
            time=self.service.now(),
            action=Action.STORE,
            outcome=Outcome.ALLOWED,
            reason="modality",
            patient_id=step.patient_id,
            issuer=step.issuer,
            study=step.scheduled[0]["study"],
            address=sender.address,
            aet=sender.title,
            route=f"{route} MPPS",
            detail=f"{step.uid} {step.status}",
        )
        self.service.accesses.finish(self.service.accesses.begin(event), _NOT_TOLD)


@contextmanager
def _as_duplicate() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise Refused(Failure.DUPLICATE_INSTANCE, "there is such a step") from None


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


def _say(store: Store, orders: Iterable[str]) -> None:
    """Have each order say what all its steps say together."""
    for id_ in sorted(orders):
        order = current(store, "ServiceRequest", id_)
        if order is not None and is_carried_out(order):
            performed, reason = performed_of(_steps_of(store.session, id_))
            say(store, order, performed, reason or _NO_REASON)


def _steps_of(session: Session, order: str) -> list[tuple[StepStatus, str]]:
    rows = select(PerformedStep.status, PerformedStep.reason).join(PerformedOrder).order_by(PerformedStep.told)
    return [
        (StepStatus(status), reason) for status, reason in session.execute(rows.where(PerformedOrder.order_id == order))
    ]
