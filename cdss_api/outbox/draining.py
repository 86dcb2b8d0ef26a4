"""Delivering to one target for a short time, for those who have their own way to start such work (see `celery_app`)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from cdss_api.database import Database
from cdss_api.outbox.claiming import is_due, targets
from cdss_api.outbox.delivery import Deliver
from cdss_api.outbox.dispatching import Dispatcher, is_local
from cdss_api.outbox.renewing import meanwhile
from cdss_api.outbox.waits import Policy
from cdss_api.outbox.worker import Worker

LONGEST = 10.0  # seconds, until others of the same queue get their turn; a batch that is begun is finished
_TRY = text("SELECT pg_try_advisory_lock(hashtextextended('outbox drain ' || :target, 0))")
# The server ends the session, and so the lock, of a process that is stopped or cannot be reached.
_SILENT = text("SELECT set_config('idle_session_timeout', :milliseconds, false)")
_STILL_HERE = text("SELECT 1")


@dataclass(frozen=True, slots=True)
class Drains:
    """Delivers on PostgreSQL, by the same worker as `crew`: its leases and fences are what makes it safe."""

    database: Database
    data: Path
    clock: Callable[[], float]
    own: Mapping[str, Deliver]
    policy: Policy = field(default_factory=Policy)

    def due(self) -> list[str]:
        """Return the targets that something is due of, but those that are paused or on this machine."""
        with self.database.reading() as session:
            now = self.clock()
            return [one for one in targets(session) if not is_local(one) and is_due(session, one, now)]

    def drain(self, target: str, longest: float = LONGEST) -> int:
        """Deliver what is due of a target, for about so many seconds; return how many messages were begun.

        None are where somebody else drains it at this moment: a slow target is to hold up one process and no more.
        Neither are of a target that is unknown, paused, or on this machine.
        """
        with self.database.reading() as session:
            if is_local(target) or target not in targets(session):
                return 0
        with self.alone(target) as alone:
            return self._drained(target, longest) if alone else 0

    def _drained(self, target: str, longest: float) -> int:
        dispatcher = Dispatcher(self.database, self.data, self.clock, self.own)
        worker = Worker(
            self.database, dispatcher, self.clock, random.random, self.policy, only=[target], together=dispatcher
        )
        try:
            return worker.drain(longest)
        finally:
            dispatcher.close()

    @contextmanager
    def alone(self, target: str) -> Iterator[bool]:
        """Have nobody else drain a target meanwhile; gives False where somebody does."""
        # A lock of the session: the server frees it when this process is killed.
        with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(_TRY, {"target": target}):
                yield False
                return
            connection.execute(_SILENT, {"milliseconds": str(round(self.policy.lease * 1000))})
            try:
                with meanwhile(lambda: connection.execute(_STILL_HERE), self.policy.renewal):
                    yield True
            finally:
                connection.invalidate()
