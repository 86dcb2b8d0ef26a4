"""What a delivery writes of its job: short transactions, each of which asks first whether the job is still its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.database import Database
from cdss_api.jobs.admission import TARGET, admit
from cdss_api.jobs.answers import ToldModel
from cdss_api.jobs.failed import tell_failed
from cdss_api.jobs.known_models import learn, name
from cdss_api.jobs.models import Job, KnownModel
from cdss_api.jobs.moving import lock, move
from cdss_api.jobs.states import State
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.models import Stream
from neuronova.contract.inference import Model


class NotOurs(Exception):
    """The job has ended, was queued again, or another worker has its message by now."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """Reads and writes jobs; `most` may be in flight at a time."""

    database: Database
    clock: Callable[[], float]
    most: int

    def read(self, job_key: str) -> Job | None:
        """Return a job as it is now, detached."""
        with self.database.reading() as session:
            job = session.scalar(select(Job).where(Job.job_key == job_key))
            if job is not None:
                session.expunge(job)
            return job

    def model(self, name: str) -> KnownModel | None:
        """Return a model as it was told last."""
        with self.database.reading() as session:
            known = session.get(KnownModel, name)
            if known is not None:
                session.expunge(known)
            return known

    def learn(self, told: Sequence[ToldModel]) -> None:
        """Remember which models there are."""
        with self.database.writing() as session:
            learn(session, told, self.clock())

    def name(self, delivery: Delivery, job: Job, model: Model) -> None:
        """Have a job be about this version of its model.

        Raises:
            NotOurs: as for all that follow; or there is such a job already, which stands for both now.
        """
        with self._own(delivery, job) as (session, mine):
            named = name(session, mine, model, self.clock())
            admit(session, self.clock(), self.most)
        if not named:
            raise NotOurs

    def submitted(self, delivery: Delivery, job: Job) -> None:
        """Write that the service has it."""
        with self._own(delivery, job) as (_, mine):
            if mine.state != State.RUNNING:
                move(mine, State.RUNNING, self.clock())
            mine.submitted_at, mine.started_at = self.clock(), None
            mine.attempts += 1

    def started(self, delivery: Delivery, job: Job) -> None:
        """Write that its model runs."""
        with self._own(delivery, job) as (_, mine):
            mine.started_at = self.clock()

    def move(
        self,
        delivery: Delivery,
        job: Job,
        to: State,
        *,
        reason: str | None = None,
        detail: str | None = None,
        result: str | None = None,
        seconds: float | None = None,
    ) -> None:
        """Write what came of it; whatever waits takes its place in the same transaction."""
        with self._own(delivery, job) as (session, mine):
            if not move(mine, to, self.clock(), reason=reason, detail=detail):
                raise NotOurs
            mine.result, mine.seconds = result, seconds
            if to is State.FAILED_PERMANENT:
                tell_failed(session, mine, self.clock())
            admit(session, self.clock(), self.most)

    @contextmanager
    def _own(self, delivery: Delivery, job: Job) -> Iterator[tuple[Session, Job]]:
        with self.database.writing() as session:
            lock(session)
            mine = session.get(Job, job.number)
            fence = select(Stream.fence).where(Stream.target == TARGET, Stream.aggregate == delivery.aggregate)
            if (
                mine is None
                or mine.run != job.run
                or mine.state != job.state
                or session.scalar(fence) != delivery.fence
            ):
                raise NotOurs
            yield session, mine
            session.flush()
            job.state = mine.state
