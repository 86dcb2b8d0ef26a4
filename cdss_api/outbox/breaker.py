"""A target's breaker: one row that all workers share. Closed: send. Open: wait. Half-open: one message probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cdss_api.outbox.models import Target
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.waits import Policy, Random


class Breaker(StrEnum):
    """The states of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


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
    session.refresh(row, with_for_update=True)
    for one in sorted(heard, key=lambda one: one.at):
        if _is_down(one):
            _failed(row, one, policy, random)
        else:
            _worked(row, one)
    session.flush()
    return row


def opens_after(heard: Sequence[Heard], policy: Policy) -> bool:
    """Return whether so many attempts failed at the end that a batch is better given back."""
    last = heard[-policy.failures :]
    named = bool(last) and _is_down(last[-1]) and last[-1].outcome.wait is not None
    return named or (len(last) == policy.failures and all(map(_is_down, last)))


def _is_down(one: Heard) -> bool:
    return one.outcome.verdict is Verdict.TARGET_DOWN


def _worked(row: Target, one: Heard) -> None:
    row.breaker, row.failures, row.openings, row.until = Breaker.CLOSED, 0, 0, None
    row.worked_at = max(one.at, row.worked_at or one.at)


def _failed(row: Target, one: Heard, policy: Policy, random: Random) -> None:
    row.failures += 1
    if one.outcome.wait is not None:
        # It answers, and says when to come back: no outage, so the pauses do not grow.
        row.breaker, row.until = Breaker.OPEN, max(row.until or 0.0, one.at + one.outcome.wait)
    elif row.breaker == Breaker.HALF_OPEN or (row.breaker == Breaker.CLOSED and row.failures >= policy.failures):
        row.openings += 1
        row.breaker, row.until = Breaker.OPEN, one.at + policy.pause(row.openings, random)
