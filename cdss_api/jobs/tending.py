"""What is done from time to time: asking which models there are, and ending jobs whose message was given up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import requests
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from cdss_api.jobs.admission import TARGET, admit
from cdss_api.jobs.failed import tell_failed
from cdss_api.jobs.models import Job
from cdss_api.jobs.moving import lock, move
from cdss_api.jobs.record import JobRecord
from cdss_api.jobs.service_client import ServiceClient
from cdss_api.jobs.states import OPEN, State
from cdss_api.outbox import operations
from cdss_api.outbox.exchange import Undelivered
from cdss_api.outbox.models import Message, Stream
from cdss_api.outbox.states import State as MessageState
from neuronova.contract.reading_inference import BadMessage

_LOG = logging.getLogger(__name__)
EVERY = 2.0  # seconds
_ASK_EVERY = 30.0
_MOST = 100


@dataclass(frozen=True, slots=True)
class Tender:
    """Looks after jobs; any number of them may, at the same time."""

    record: JobRecord
    client: Callable[[], ServiceClient]
    clock: Callable[[], float]
    also: Callable[[], int]

    def run(self, stop: threading.Event) -> None:
        """Look from time to time, until `stop`."""
        next_asking = 0.0
        while not stop.is_set():
            try:
                if self.clock() >= next_asking:
                    next_asking = self.clock() + (_ASK_EVERY if self.ask() else EVERY)
                self.bury()
                self.also()
            except SQLAlchemyError as error:
                _LOG.warning("jobs wait for their database (%s)", type(error).__name__)
            stop.wait(EVERY)

    def ask(self) -> bool:
        """Learn which models there are; tell whether the service said it."""
        client = self.client()
        try:
            self.record.learn(client.models())
        except (requests.RequestException, TimeoutError, Undelivered, BadMessage):
            return False
        finally:
            client.exchange.close()
        return True

    def bury(self) -> int:
        """End the jobs whose message is a dead letter, and drop that; return how many there were."""
        dead = select(Message.number).join(Stream, Stream.number == Message.stream)
        dead = dead.where(Stream.target == TARGET, Message.state == MessageState.DEAD_LETTER).limit(_MOST)
        with self.record.database.reading() as session:
            numbers = list(session.scalars(dead))
        for number in numbers:
            self._bury(number)
        return len(numbers)

    def _bury(self, number: int) -> None:
        with self.record.database.writing() as session:
            lock(session)
            try:
                message = operations.drop(session, number, self.clock())
            except (operations.NoSuchMessage, operations.NotNow):
                return
            job = session.scalar(select(Job).where(Job.message == number))
            if job is not None and job.state in OPEN:
                reason, detail = message.verdict or "gave_up", message.detail or "It was given up."
                if move(job, State.FAILED_PERMANENT, self.clock(), reason=job.reason or reason, detail=detail):
                    tell_failed(session, job, self.clock())
            admit(session, self.clock(), self.record.most)
