"""Claiming streams: a short transaction that leases them, and counts an attempt before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, bindparam, select, true, update
from sqlalchemy.orm import Session

from cdss_api.outbox.breaker import allowed, probing
from cdss_api.outbox.configured_targets import ConfiguredTarget
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.models import Message, Stream, Target, among, is_open
from cdss_api.outbox.states import State, before
from cdss_api.outbox.waits import Policy

_Due = Row[int, str, int, bool]


@dataclass(frozen=True, slots=True)
class Claim:
    """A stream that is leased until `until`, and its first messages in their order."""

    stream: int
    fence: int
    target: str
    until: float
    deliveries: tuple[Delivery, ...]


def claim(session: Session, target: str, now: float, policy: Policy, batch: int, depth: int = 1) -> list[Claim]:
    """Lease what is due of a target, at most `batch` messages; the transaction has to be committed before sending.

    Streams that have so many give `depth` messages each, and more where streams are few: it costs as much to lease a
    stream as to count an attempt.

    What a worker died of, or hangs on, is claimed alone: were it always claimed with the same companions, each of its
    attempts would be one of theirs, and they would all become dead letters.
    """
    room = allowed(session, target, now, batch)
    due = _due(session, target, now, room) if room else []
    if not due:
        return []
    until = now + policy.lease
    probing(session, target, until)
    if due[0].leased:
        _lease(session, [due[0].number], until)
        found = _survivors(session, due[0].number, _heads(session, [due[0].number], 1), now, policy)
        if not found:
            return claim(session, target, now, policy, batch, depth)  # that stream is parked now
    else:
        found = _first_of(session, [row.number for row in due], room, depth)
        _lease(session, sorted({row.stream for row in found}), until)
    _count(session, found, now)
    return _claims(target, until, due, found)


def renew(session: Session, claims: Sequence[Claim], until: float) -> tuple[list[int], list[int]]:
    """Push out the leases of claims that still stand; return their streams, and those that another has claimed since.

    What somebody writes to at this moment is in neither: nobody else can claim it either.
    """
    of = {one.stream: one.fence for one in claims}
    rows = select(Stream.number, Stream.fence).where(among(session, Stream.number, sorted(of)))
    locked = session.execute(rows.order_by(Stream.number).with_for_update(skip_locked=True)).all()
    ours = [row.number for row in locked if row.fence == of[row.number]]
    pushed = update(Stream).where(among(session, Stream.number, ours)).values(visible_at=until)
    session.execute(pushed.execution_options(synchronize_session=False))
    return ours, [row.number for row in locked if row.fence != of[row.number]]


def is_due(session: Session, target: str, now: float) -> bool:
    """Return whether anything of a target is due: a look that locks nothing, and so may be taken often."""
    due = select(Stream.number).where(Stream.target == target, Stream.visible_at <= now)
    return session.scalar(due.limit(1)) is not None


def reclaim(session: Session, now: float) -> None:
    """End the leases of workers that are gone; for one who knows that there is no other (see `worker`)."""
    left = update(Stream).where(Stream.leased, Stream.visible_at > now).values(visible_at=now)
    session.execute(left.execution_options(synchronize_session=False))


def targets(session: Session) -> list[str]:
    """Return every target that a message was ever written for, but those that are paused."""
    paused = select(ConfiguredTarget.target).where(ConfiguredTarget.paused)
    return list(session.scalars(select(Target.target).where(Target.target.not_in(paused)).order_by(Target.target)))


def _due(session: Session, target: str, now: float, room: int) -> list[_Due]:
    columns = (Stream.number, Stream.aggregate, Stream.fence, Stream.leased)
    rows = select(*columns).where(Stream.target == target, Stream.visible_at <= now)
    # What another worker, or a transaction that enqueues, holds at this moment is left to the next claim.
    first = rows.order_by(Stream.visible_at).limit(room).with_for_update(skip_locked=True)
    due = list(session.execute(first))
    if due and due[0].leased:
        return due[:1]
    return [row for row in due if not row.leased]


def _lease(session: Session, streams: list[int], until: float) -> None:
    leased = update(Stream).where(among(session, Stream.number, streams))
    values = leased.values(visible_at=until, leased=True, fence=Stream.fence + 1)
    session.execute(values.execution_options(synchronize_session=False))


def _first_of(session: Session, streams: list[int], room: int, depth: int) -> list[Row[Any]]:
    """Return the first messages of streams, the first streams first, at most `room` of them."""
    each = max(min(depth, room), room // len(streams))
    some = streams[: room // each]
    found = _heads(session, some, each)
    rest, left = streams[len(some) :], room - len(found)
    if rest and left > 0:
        rest = rest[:left]
        found += _heads(session, rest, left // len(rest))
    return found


def _heads(session: Session, streams: list[int], each: int) -> list[Row[Any]]:
    """Return the first open messages of each stream, found by the index however many wait behind them."""
    if session.get_bind().dialect.name == "sqlite":
        # It has no LATERAL; a query costs it no round trip.
        of_one = _first(each).where(Message.stream == bindparam("of"))
        return [row for stream in streams for row in session.execute(of_one, {"of": stream})]
    heads = _first(each).where(Message.stream == Stream.number).correlate(Stream).lateral()
    rows = select(heads).select_from(Stream).join(heads, true()).where(among(session, Stream.number, streams))
    return list(session.execute(rows.order_by(heads.c.stream, heads.c.number)))


def _first(each: int) -> Select[*tuple[Any, ...]]:
    columns = (Message.stream, Message.number, Message.key, Message.kind, Message.payload, Message.attempts)
    return select(*columns).where(is_open()).order_by(Message.number).limit(each)


def _survivors(session: Session, stream: int, found: list[Row[Any]], now: float, policy: Policy) -> list[Row[Any]]:
    """Bury the head that took its last attempt with it; followers that were claimed with it wait behind it again."""
    heads = [row.number for row in found]
    left = update(Message).where(Message.stream == stream, is_open(), Message.state == State.PROCESSING)
    waiting = left.where(Message.number.not_in(heads)).values(state=State.FAILED, changed_at=now)
    session.execute(waiting.execution_options(synchronize_session=False))
    spent = [row.number for row in found if row.attempts >= policy.attempts]
    if not spent:
        return found
    said = {"verdict": "worker_lost", "detail": "the worker ended at each attempt", "changed_at": now}
    buried = update(Message).where(among(session, Message.number, spent)).values(state=State.DEAD_LETTER, **said)
    session.execute(buried.execution_options(synchronize_session=False))
    parked = update(Stream).where(Stream.number == stream).values(parked=True, leased=False, visible_at=None)
    session.execute(parked.execution_options(synchronize_session=False))
    return []


def _count(session: Session, found: Sequence[Row[Any]], now: float) -> None:
    if not found:
        return
    numbers = [row.number for row in found]
    taken = update(Message).where(among(session, Message.number, numbers), Message.state.in_(before(State.PROCESSING)))
    values = taken.values(state=State.PROCESSING, attempts=Message.attempts + 1, changed_at=now)
    session.execute(values.execution_options(synchronize_session=False))


def _claims(target: str, until: float, due: list[_Due], found: list[Row[Any]]) -> list[Claim]:
    of: dict[int, list[Row[Any]]] = {}
    for row in found:
        of.setdefault(row.stream, []).append(row)
    claims = []
    for stream, aggregate, fence, _ in due:
        deliveries = tuple(
            Delivery(row.number, row.key, target, aggregate, row.kind, row.payload, row.attempts + 1, fence + 1)
            for row in of.get(stream, [])
        )
        if deliveries:
            claims.append(Claim(stream, fence + 1, target, until, deliveries))
    return claims
