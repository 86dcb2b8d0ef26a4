"""Writing a message, in the transaction of the change that it tells of."""

from __future__ import annotations

import secrets

from sqlalchemy import Update, case, insert, update
from sqlalchemy.orm import Session

from cdss_api.database import insert_into
from cdss_api.outbox.models import Message, Stream, Target
from cdss_api.outbox.states import State
from cdss_api.outbox.waking import wake
from neuronova.telemetry import current


def enqueue(
    session: Session,
    *,
    target: str,
    aggregate: str,
    kind: str,
    payload: str,
    now: float,
    traceparent: str | None = None,
) -> int:
    """Write a message in the caller's transaction and return its number; it is sent once that is committed.

    It goes on in the trace of `traceparent`, or in the one that the caller works in.

    The stream stays locked until the transaction ends: keep that short, and write to several aggregates in one
    order everywhere (by name, say), or PostgreSQL will end one of two transactions that wait for each other.
    """
    wake(session, target)
    stream = session.scalar(_woken(target, aggregate, now))
    if stream is None:
        stream = _new(session, target, aggregate, now)
    values = {"stream": stream, "key": secrets.token_hex(16), "kind": kind, "payload": payload}
    values |= {"state": State.PENDING, "attempts": 0, "created_at": now, "changed_at": now}
    values["traceparent"] = traceparent or current.traceparent()
    return session.execute(insert(Message).values(values).returning(Message.number)).scalar_one()


def _woken(target: str, aggregate: str, now: float) -> Update:
    """Lock a stream, and make it due unless it is scheduled, leased or parked; written even so, for the lock."""
    due = case((Stream.visible_at.is_(None) & ~Stream.parked, now), else_=Stream.visible_at)
    known = update(Stream).where(Stream.target == target, Stream.aggregate == aggregate)
    return known.values(visible_at=due).returning(Stream.number).execution_options(synchronize_session=False)


def _new(session: Session, target: str, aggregate: str, now: float) -> int:
    made = insert_into(session, Target).values(target=target, breaker="closed", failures=0, openings=0)
    session.execute(made.on_conflict_do_nothing())
    values = {"target": target, "aggregate": aggregate, "visible_at": now}
    made = insert_into(session, Stream).values(values | {"fence": 0, "leased": False, "parked": False})
    # Another transaction may have made it since: this one waits for that, and then finds it.
    session.execute(made.on_conflict_do_nothing(index_elements=["target", "aggregate"]))
    number: int = session.execute(_woken(target, aggregate, now)).scalar_one()
    return number
