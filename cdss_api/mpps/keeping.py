"""Steps as they are kept: each request is one transaction, with what the orders then say, and is on disk at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from cdss_api.accounts.recording import Actor
from cdss_api.consequences import written
from cdss_api.fhir.store import Store
from cdss_api.mpps.following import SERVICE
from cdss_api.mpps.models import PerformedOrder, PerformedStep
from cdss_api.mpps.orders import alone_with_steps, link, speak
from cdss_api.mpps.steps import Begun, Failure, Refused, StepStatus, Told, require_open
from cdss_api.service import Service
from neuronova.contract.audit import Action, Event, Outcome
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role

ACTOR = Actor(subject=SERVICE, role=Role.SERVICE)
_NOT_TOLD = 0  # the status of an answer that is given after this is recorded


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Who tells of a step: a modality of the table, its address, and the issuer of the PatientIDs it sends without."""

    title: str
    address: str
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
        self._written(sender, "N-CREATE", partial(self._begin, sender, uid, begun))

    def change(self, sender: Sender, uid: str, told: Told) -> None:
        """Change a step, or end it (N-SET).

        Raises:
            Refused: there is no such step, it has ended, or another modality began it.
            JournalFailed: it cannot be recorded, so nothing is changed.
        """
        self._written(sender, "N-SET", partial(self._tell, sender, uid, told))

    def _written(self, sender: Sender, route: str, write: Callable[[Store], PerformedStep]) -> None:
        written(self.service, ACTOR, write, lambda step: self._record(sender, step, route))

    def _begin(self, sender: Sender, uid: str, begun: Begun, store: Store) -> PerformedStep:
        session = store.session
        whom = Patient(begun.patient_id, begun.issuer or sender.issuer)
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
        alone_with_steps(store, whom)
        with _as_duplicate():
            session.add(step)
            session.flush()
        speak(store, link(session, step))
        return step

    def _tell(self, sender: Sender, uid: str, told: Told, store: Store) -> PerformedStep:
        session = store.session
        of_step = select(PerformedStep.patient_id, PerformedStep.issuer).where(PerformedStep.uid == uid)
        whom = session.execute(of_step).one_or_none()
        if whom is None:
            raise Refused(Failure.NO_SUCH_INSTANCE, "there is no such step")
        alone_with_steps(store, Patient(*whom))
        step = session.get_one(PerformedStep, uid)
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
            speak(store, session.scalars(select(PerformedOrder.order_id).where(PerformedOrder.uid == uid)))
        return step

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
