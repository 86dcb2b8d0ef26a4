"""Leases that last as long as their worker lives: while it delivers, it renews them.

So a lease can be shorter than a delivery. Of a worker that was killed, is stopped or has lost the database it ends.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cdss_api.database import Database
from cdss_api.outbox.breaker import still_probing
from cdss_api.outbox.claiming import Claim, renew
from cdss_api.outbox.waits import Policy

_LET_GO = text("SELECT set_config('idle_in_transaction_session_timeout', :milliseconds, true)")
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Leases:
    """The leases of what was claimed together, of one target, as far as their worker knows."""

    database: Database
    claims: Sequence[Claim]
    clock: Callable[[], float]
    policy: Policy
    _claimed: float = field(init=False)
    _renewed: float = field(init=False)  # until when, at the last renewal
    _until: dict[int, float] = field(init=False)  # by stream; without those that another worker has claimed

    def __post_init__(self) -> None:
        """Begin with what was claimed."""
        self._claimed = self.clock()
        self._renewed = self.claims[0].until
        self._until = {one.stream: one.until for one in self.claims}

    def stands(self, claim: Claim) -> bool:
        """Return whether another message of a claim may be begun: its lease stands, and it was not held for long."""
        now = self.clock()
        return now < self._until.get(claim.stream, now) and now < self._claimed + self.policy.longest_batch

    def renew(self) -> None:
        """Push out the leases, and a probe of the breaker; those of a delivery that hangs are left to end."""
        now = self.clock()
        if now > self._claimed + self.policy.longest_batch + self.policy.longest_delivery:
            return
        until = now + self.policy.lease
        with self.database.writing() as session:
            if session.get_bind().dialect.name == "postgresql":
                # A worker that is stopped in here would hold these rows, which others pass over, for as long.
                session.execute(_LET_GO, {"milliseconds": str(round(self.policy.lease * 1000))})
            renewed, lost = renew(session, self.claims, until)
            still_probing(session, self.claims[0].target, self._renewed, until)
        self._renewed = until
        self._until |= dict.fromkeys(renewed, until)
        for stream in lost:
            self._until.pop(stream, None)


@contextmanager
def meanwhile(action: Callable[[], object], every: float) -> Iterator[None]:
    """Do something every so many seconds, in a thread of its own, until the block ends."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(every):
            try:
                action()
            except SQLAlchemyError as error:
                _LOG.warning("a lease was not renewed (%s)", type(error).__name__)

    thread = threading.Thread(target=go_on, name="outbox leases", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
