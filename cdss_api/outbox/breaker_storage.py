"""Where pybreaker keeps a breaker: in its target's row, by the clock and with the pauses of the outbox."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from pybreaker import (
    STATE_CLOSED,
    STATE_HALF_OPEN,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerListener,
    CircuitBreakerState,
    CircuitBreakerStorage,
)

from cdss_api.outbox.breaker_state import Breaker
from cdss_api.outbox.models import Target
from cdss_api.outbox.waits import Policy, Random

_LOG = logging.getLogger(__name__)


_OURS = {STATE_CLOSED: Breaker.CLOSED, STATE_OPEN: Breaker.OPEN, STATE_HALF_OPEN: Breaker.HALF_OPEN}
_THEIRS = {ours: theirs for theirs, ours in _OURS.items()}


class TargetStorage(CircuitBreakerStorage):
    """A target's row, which whoever makes this has locked; `now` is when what is told next happened."""

    def __init__(self, row: Target, policy: Policy, random: Random) -> None:
        super().__init__(row.target)
        self.now = 0.0
        self._row = row
        self._policy = policy
        self._random = random
        self._successes = 0

    @property
    def state(self) -> str:
        """The state by pybreaker's name."""
        return _THEIRS[Breaker(self._row.breaker)]

    @state.setter
    def state(self, state: str) -> None:
        self._row.breaker = _OURS[state]
        if state == STATE_CLOSED:
            self._row.openings, self._row.until = 0, None

    @property
    def opened_at(self) -> datetime | None:
        """When it may be probed: the pause is in the row already, for it grows."""
        return None if self._row.until is None else datetime.fromtimestamp(self._row.until, UTC)

    @opened_at.setter
    def opened_at(self, _: datetime) -> None:
        self._row.openings += 1
        self._row.until = self.now + self._policy.pause(self._row.openings, self._random)

    def hold(self, wait: float) -> None:
        """Open it for as many seconds as the target asked for, at the least."""
        self._row.failures += 1
        self._row.breaker, self._row.until = Breaker.OPEN, max(self._row.until or 0.0, self.now + wait)

    @property
    def counter(self) -> int:
        """Failures, one after the other."""
        return self._row.failures

    def increment_counter(self) -> None:
        """Count a failure."""
        self._row.failures += 1

    def reset_counter(self) -> None:
        """Begin to count failures anew."""
        self._row.failures = 0

    @property
    def success_counter(self) -> int:
        """Successes of probes; one is enough, so that nobody has to keep them."""
        return self._successes

    def increment_success_counter(self) -> None:
        """Count a success of a probe."""
        self._successes += 1

    def reset_success_counter(self) -> None:
        """Begin to count successes anew."""
        self._successes = 0


class Change(CircuitBreakerListener):
    """Says in the log when a target is given up, and when it is back."""

    def state_change(
        self, cb: CircuitBreaker, old_state: CircuitBreakerState | None, new_state: CircuitBreakerState
    ) -> None:
        """Log the change; a failed probe among hundreds is none."""
        if old_state is not None and {old_state.name, new_state.name} != {STATE_OPEN, STATE_HALF_OPEN}:
            _LOG.warning("breaker of %s: %s, was %s", cb.name, new_state.name, old_state.name)
