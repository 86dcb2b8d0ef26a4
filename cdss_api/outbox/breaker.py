"""A target's breaker: one row that all workers share. Closed: send. Open: wait. Half-open: one message probes.

pybreaker changes its state (see `breaker_storage`). What it would do by itself, to let a call through or not, is asked
of the row instead, for many workers ask at once: `allowed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cdss_api.outbox.breaker_state import Breaker
from cdss_api.outbox.models import Target
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.waits import Policy, Random

if TYPE_CHECKING:
    from pybreaker import CircuitBreaker

    from cdss_api.outbox.breaker_storage import TargetStorage


class _Down(Exception):
    """What a failed attempt is to pybreaker, which judges exceptions."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one attempt, and when."""

    outcome: Outcome
    at: float


def allowed(session: Session, target: str, now: float, batch: int) -> int:
    """Return how many messages may be claimed: `batch`, one as a probe, or none.

    Where it is one, the breaker's row is locked: no second worker probes.
    """
    row = session.execute(select(Target.breaker, Target.until).where(Target.target == target)).one_or_none()
    if row is None or row.breaker == Breaker.CLOSED:
        return 0 if row is None else batch
    if row.until is not None and row.until > now:
        return 0
    due = select(Target.target).where(Target.target == target, Target.breaker == row.breaker)
    locked = due.where(Target.until == row.until).with_for_update(skip_locked=True)
    return 0 if session.scalar(locked) is None else 1


def probing(session: Session, target: str, until: float) -> None:
    """Make an open breaker half-open while one message is under way; does nothing to a closed one."""
    row = session.get(Target, target)
    if row is not None and row.breaker != Breaker.CLOSED:
        row.breaker, row.until = Breaker.HALF_OPEN, until
        session.flush()


def still_probing(session: Session, target: str, before: float, until: float) -> None:
    """Give a probe that was to be over at `before` more time; does nothing to another worker's."""
    ours = update(Target).where(Target.target == target, Target.breaker == Breaker.HALF_OPEN, Target.until == before)
    session.execute(ours.values(until=until).execution_options(synchronize_session=False))


def tell(session: Session, target: str, heard: Sequence[Heard], policy: Policy, random: Random) -> Target:
    """Take in what came of attempts, in the order of time, and return the breaker's row."""
    row = session.execute(select(Target).where(Target.target == target)).scalar_one()
    failed = any(_is_down(one) for one in heard)
    if not heard or (not failed and row.breaker == Breaker.CLOSED and not row.failures):
        return row  # the usual case writes nothing: all workers would wait for this row
    # Here, for it loads Redis' library where that is installed, and the usual case does without.
    from pybreaker import CircuitBreaker

    from cdss_api.outbox.breaker_storage import Change, TargetStorage

    session.refresh(row, with_for_update=True)
    stored = TargetStorage(row, policy, random)
    # It shares nothing with other threads: its row is locked.
    breaker = CircuitBreaker(
        policy.failures, name=target, state_storage=stored, listeners=[Change()], throw_new_error_on_trip=False
    )
    for one in sorted(heard, key=lambda one: one.at):
        stored.now = one.at
        if not _is_down(one):
            _worked(breaker, row, one)
        elif one.outcome.wait is not None:
            # It answers, and says when to come back: no outage, so the pauses do not grow.
            stored.hold(one.outcome.wait)
        else:
            _failed(breaker, stored)
    session.flush()
    return row


def opens_after(heard: Sequence[Heard], policy: Policy) -> bool:
    """Return whether so many attempts failed at the end that a batch is better given back."""
    last = heard[-policy.failures :]
    named = bool(last) and _is_down(last[-1]) and last[-1].outcome.wait is not None
    return named or (len(last) == policy.failures and all(map(_is_down, last)))


def _is_down(one: Heard) -> bool:
    return one.outcome.verdict is Verdict.TARGET_DOWN


def _worked(breaker: CircuitBreaker, row: Target, one: Heard) -> None:
    # What was begun before it opened says as well that the target is there.
    if breaker.current_state == Breaker.OPEN:
        breaker.close()
    else:
        breaker.call(lambda: None)
    row.worked_at = max(one.at, row.worked_at or one.at)


def _failed(breaker: CircuitBreaker, stored: TargetStorage) -> None:
    if breaker.current_state == Breaker.OPEN:
        stored.increment_counter()  # what was begun before it opened prolongs nothing
        return
    with suppress(_Down):
        breaker.call(_fail)


def _fail() -> None:
    raise _Down
