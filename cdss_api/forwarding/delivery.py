"""A series' message, delivered in short steps: have Orthanc send what is not there yet, look how far it is, end it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cdss_api.accounts.service_tokens import token
from cdss_api.forwarding.models import BY_HAND, Forward, State
from cdss_api.forwarding.record import ForwardRecord, NotOurs
from cdss_api.forwarding.sending import NotKnown, Sender
from cdss_api.forwarding.verdicts import of_job
from cdss_api.orthanc import OrthancJob, StoredFile, Unavailable
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.service import Service
from neuronova.contract.priority import Priority
from neuronova.contract.roles import Permission

# A destination that is down is seen within one step: an `again` in between would count as an answer of its own.
STEP = 20.0  # seconds that a delivery looks at a job
EVERY = 0.1  # seconds between two looks
_AGAIN = Outcome(Verdict.AGAIN, None, EVERY)


@dataclass(frozen=True, slots=True)
class ForwardDelivery:
    """Delivers messages of the targets `dicom:AET` (see `outbox.delivery.Deliver`)."""

    record: ForwardRecord
    sender: Callable[[], Sender]
    step: float = STEP
    wait: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        """Do the next step; service tokens are always new."""
        asked = json.loads(delivery.payload)
        row = self.record.read(int(asked["forward"]))
        if row is None or row.run != asked["run"] or row.state in (State.SENT, State.SUPERSEDED):
            return Outcome(Verdict.OK, None if row is None else row.state)
        sender = self.sender()
        try:
            return self._sent(sender, delivery, row)
        except NotOurs:
            return Outcome(Verdict.AGAIN, "it was changed meanwhile", 0.0)
        except Unavailable as error:
            # Orthanc's own trouble: the destination's breaker is not asked about it.
            return Outcome(Verdict.TARGET_DOWN, f"Orthanc does not answer ({error})")
        finally:
            sender.close()

    def _sent(self, sender: Sender, delivery: Delivery, row: Forward) -> Outcome:
        job = row.job if row.state == State.SENDING else None
        if job is None:
            stored = sender.files(row.orthanc)
            if not stored:
                self.record.end(delivery, row, State.SUPERSEDED, "The series was deleted.")
                return Outcome(Verdict.OK, "the series is gone")
            left = self._left(row, stored)
            if not left:
                self.record.end(delivery, row, State.SENT, "All of it was there already.")
                return Outcome(Verdict.OK, "all of it was there already")
            if not self.record.takes(row.destination):
                return self._refused(delivery, row, f"{row.destination} is no modality that may store")
            try:
                job = sender.begin(row.destination, [one.instance for one in left], Priority(row.priority))
            except NotKnown:
                return Outcome(Verdict.TARGET_DOWN, "Orthanc does not know the destination yet")
            self.record.begun(delivery, row, job, [mark(one) for one in left])
        return self._ended(delivery, row, self._look(sender, job))

    def _left(self, row: Forward, stored: Sequence[StoredFile]) -> list[StoredFile]:
        """Return the files that did not arrive there before; by hand all, for they may be lost there."""
        arrived = set() if row.rule == BY_HAND else self.record.arrived(row)
        return [one for one in stored if mark(one) not in arrived]

    def _look(self, sender: Sender, job: str) -> OrthancJob | None:
        end = self.clock() + self.step
        while (found := sender.look(job)) is not None and not found.has_ended and self.clock() < end:
            self.wait(EVERY)
        return found

    def _ended(self, delivery: Delivery, row: Forward, found: OrthancJob | None) -> Outcome:
        if found is None:  # Orthanc forgot it: whatever arrived is known there when it comes again
            self.record.queue(delivery, row, "Orthanc forgot its job.")
            return Outcome(Verdict.TRANSIENT, "Orthanc forgot its job")
        if not found.has_ended:
            return _AGAIN
        outcome = of_job(found)
        if outcome.verdict is Verdict.OK:
            self.record.end(delivery, row, State.SENT, None)
        elif outcome.verdict is Verdict.PERMANENT:
            return self._refused(delivery, row, outcome.detail or "")
        else:
            self.record.queue(delivery, row, outcome.detail)
        return outcome

    def _refused(self, delivery: Delivery, row: Forward, why: str) -> Outcome:
        self.record.end(delivery, row, State.FAILED, why)
        return Outcome(Verdict.PERMANENT, why)


def mark(file: StoredFile) -> str:
    """Return 16 hexadecimal digits that stand for a stored file: 64 bits, among some thousands of a series."""
    return hashlib.sha256(f"{file.uid} {file.md5}".encode()).hexdigest()[:16]


def forward_delivery(service: Service) -> ForwardDelivery:
    """Return what delivers by this machine's Orthanc."""
    scopes = (Permission.ARCHIVE_MANAGE,)
    return ForwardDelivery(
        record=ForwardRecord(service.database, service.now),
        sender=lambda: Sender(service.settings.orthanc_url, lambda: token(service, "forwarding", scopes)),
    )
