"""The outbox's own worker and the jobs' own delivery, with a clock that is set, before a server that may err."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import select

from cdss_api.jobs.admission import TARGET
from cdss_api.jobs.delivery import JobDelivery
from cdss_api.jobs.models import Job
from cdss_api.jobs.record import JobRecord
from cdss_api.jobs.service_client import ServiceClient
from cdss_api.jobs.tending import Tender
from cdss_api.outbox.models import Message, Stream
from cdss_api.outbox.models import Target as Breaker
from cdss_api.outbox.waits import Policy
from cdss_api.outbox.worker import Worker
from tests.accounts.api import Api
from tests.jobs.judging import jobs
from tests.jobs.speaking import Spoken


@dataclass
class Bench:
    """A worker for the API's jobs."""

    api: Api
    spoken: Spoken
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        settings = self.api.service.settings
        self.record = JobRecord(self.api.service.database, self.api.clock, settings.ai_in_flight)
        self.client = partial(ServiceClient, self.spoken.url, settings.inference_secret_file)
        self.tender = Tender(self.record, self.client, self.api.clock, lambda: 0)

    def worker(self) -> Worker:
        deliver = JobDelivery(
            record=self.record,
            client=self.client,
            token=lambda study: f"token-for-{study}",
            dicomweb_root="http://127.0.0.1:1/dicom-web",
            data=self.api.service.settings.data,
            clock=self.api.clock,
        )
        database = self.api.service.database
        return Worker(database, deliver, self.api.clock, lambda: 0.0, self.policy, only=[TARGET])

    def work(self, seconds: float = 0.0, step: float = 0.5, worker: Worker | None = None) -> None:
        """Work until nothing is due, while so many seconds pass."""
        worker, end = worker or self.worker(), self.api.clock.time + seconds
        while worker.step():
            pass
        while self.api.clock.time < end:
            self.api.clock.time += step
            while worker.step():
                pass

    @property
    def job(self) -> Job:
        (job,) = jobs(self.api)
        return job

    def ended(self) -> tuple[str, str | None]:
        return self.job.state, self.job.reason

    def messages(self) -> list[tuple[str, int]]:
        rows = select(Message.state, Message.attempts).join(Stream).where(Stream.target == TARGET)
        with self.api.service.database.reading() as session:
            return [(state, attempts) for state, attempts in session.execute(rows.order_by(Message.number))]

    def breaker(self) -> str:
        with self.api.service.database.reading() as session:
            return session.get_one(Breaker, TARGET).breaker
