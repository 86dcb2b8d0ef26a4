"""A worker with the service's own clock, and short ways to write what it delivers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from cdss_api.outbox import configured_targets
from cdss_api.outbox.configured_targets import Wanted
from cdss_api.outbox.conflicts import Conflict, listed
from cdss_api.outbox.credentials import AUTHORIZATION, Credentials
from cdss_api.outbox.dispatching import Dispatcher
from cdss_api.outbox.models import Message
from cdss_api.outbox.operations import Shown
from cdss_api.outbox.operations import listed as messages
from cdss_api.outbox.profiles import Kind
from cdss_api.outbox.worker import Worker
from tests.emr.peer import Line
from tests.fhir.asking import Fhir

KINDS = (
    *("Patient", "Practitioner", "ServiceRequest", "ImagingStudy", "DiagnosticReport", "Observation", "Provenance"),
    "Device",
)


class Sender:
    """The service and what it sends to `line`."""

    def __init__(self, fhir: Fhir, line: Line) -> None:
        self.fhir, self.line, self.clock = fhir, line, fhir.api.clock
        self.service = fhir.api.service
        dispatcher = Dispatcher(self.service.database, self.service.settings.data, self.clock)
        self._dispatcher = dispatcher
        self.worker = Worker(self.service.database, dispatcher, self.clock, lambda: 0.0, together=dispatcher)

    def add(
        self,
        target: str = "emr",
        *,
        url: str = "",
        profile: Kind = Kind.FHIR_R4,
        polled: Sequence[str] = (),
        **more: Any,
    ) -> None:
        """Add a target; `more` is its authorization."""
        known = Credentials(
            authorization=AUTHORIZATION.validate_python(more or {"kind": "none"}), signing_secret="secret"
        )
        wanted = Wanted(
            target=target, profile=profile, url=url or self.line.url, kinds=KINDS, credentials=known, polled=polled
        )
        with self.service.database.writing() as session:
            configured_targets.add(session, self.service.settings.data, wanted, self.clock())

    def work(self) -> None:
        """Deliver all that is due at this moment."""
        while self.worker.step():
            pass

    def settle(self, seconds: int = 1200) -> None:
        """Deliver until nothing is left, letting time pass."""
        for _ in range(seconds // 5):
            self.work()
            if not self.open():
                return
            self.clock.time += 5
        raise AssertionError(f"still open: {self.open()}")

    def open(self) -> list[Shown]:
        with self.service.database.reading() as session:
            return [one for one in messages(session, count=1000) if one.state != "completed"]

    def states(self) -> Counter[str]:
        with self.service.database.reading() as session:
            return Counter(session.scalars(select(Message.state)))

    def conflicts(self) -> list[Conflict]:
        with self.service.database.reading() as session:
            return listed(session)

    def close(self) -> None:
        self._dispatcher.close()
