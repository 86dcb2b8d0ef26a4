"""How the queue stands: what waits and for how long, why jobs fail, how long models take, and the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from cdss_api.jobs.admission import TARGET, in_flight
from cdss_api.jobs.models import Job, KnownModel
from cdss_api.jobs.states import OPEN, State
from cdss_api.outbox.breaker_state import Breaker
from cdss_api.outbox.models import Target

_LATELY = 7 * 86400.0  # seconds
_MOST_TIMES = 1000  # of a model, the newest
_FAILED = (State.FAILED_PERMANENT, State.FAILED_TRANSIENT, State.NOT_EVALUABLE)


def overview(session: Session, now: float, most: int) -> dict[str, Any]:
    """Return what the page of jobs shows beside their list; nothing in it says who a patient is."""
    return {
        "states": standing(session, now),
        "in_flight": in_flight(session),
        "most_in_flight": most,
        "failures": _failures(session, now),
        "models": _models(session, now),
        "service": _service(session),
        "changed": _changed(session, now),
    }


def standing(session: Session, now: float) -> list[dict[str, Any]]:
    """Return how many jobs of the last seven days, and how many older ones that are open, are in each state."""
    counted = select(Job.state, func.count(), func.min(Job.created_at)).where(_counts(now)).group_by(Job.state)
    states = [
        {"state": state, "count": count, "oldest_seconds": max(now - oldest, 0.0) if state in OPEN else None}
        for state, count, oldest in session.execute(counted)
    ]
    return sorted(states, key=lambda one: list(State).index(State(one["state"])))


def _counts(now: float) -> ColumnElement[bool]:
    """Return the condition of what is looked at each few seconds: it does not grow with the years."""
    return or_(Job.created_at > now - _LATELY, Job.state.in_(OPEN))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of them do not exceed; they are in order and not none."""
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]


def _failures(session: Session, now: float) -> list[dict[str, Any]]:
    why = (Job.model, Job.state, Job.reason)
    rows = select(*why, func.count(), func.max(Job.number)).where(Job.state.in_(_FAILED))
    rows = rows.where(Job.created_at > now - _LATELY).group_by(*why)
    found = [
        {"model": model, "state": state, "reason": reason, "count": count}
        for model, state, reason, count, _ in session.execute(rows)
    ]
    return sorted(found, key=lambda one: (-one["count"], one["model"], one["reason"] or ""))


def _models(session: Session, now: float) -> list[dict[str, Any]]:
    known = {one.model: one for one in session.scalars(select(KnownModel))}
    named = set(known) | set(session.scalars(select(Job.model).where(_counts(now)).distinct()))
    return [_times(session, name, known.get(name), now) for name in sorted(named)]


def _times(session: Session, name: str, known: KnownModel | None, now: float) -> dict[str, Any]:
    rows = select(Job.seconds).where(Job.model == name, Job.seconds.is_not(None), Job.created_at > now - _LATELY)
    newest = session.scalars(rows.order_by(Job.number.desc()).limit(_MOST_TIMES))
    times = sorted(one for one in newest if one is not None)
    return {
        "model": name,
        "version": None if known is None else known.version,
        "deadline": None if known is None else known.deadline,
        "count": len(times),
        "median": quantile(times, 0.5) if times else None,
        "p95": quantile(times, 0.95) if times else None,
    }


def _service(session: Session) -> dict[str, Any]:
    row = session.get(Target, TARGET)
    seen = session.scalar(select(func.max(KnownModel.seen_at)))
    return {
        "breaker": Breaker.CLOSED if row is None else row.breaker,
        "failures": 0 if row is None else row.failures,
        "until": None if row is None else row.until,
        "seen_at": seen,
    }


def _changed(session: Session, now: float) -> str:
    """Return what differs as soon as the list of jobs does; an older one that changes was open, or is now."""
    moments = (Job.number, Job.run, Job.submitted_at, Job.started_at, Job.ended_at)
    newest = session.execute(select(*(func.max(one) for one in moments), func.count()).where(_counts(now))).one()
    return "/".join("" if one is None else f"{one:.3f}" for one in newest)
