"""What an operator does: list, look at, try again, drop. Each runs in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, select, true
from sqlalchemy.orm import Session

from cdss_api.outbox.models import Message, Stream, is_open
from cdss_api.outbox.states import TRANSITIONS, State
from cdss_api.outbox.waking import wake


class NoSuchMessage(Exception):
    """There is no message of that number."""


class NotNow(Exception):
    """The message is in a state in which this cannot be done; the text says which."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as an operator sees it; a list leaves out the payload, which may tell of a patient."""

    number: int
    key: str
    target: str
    aggregate: str
    kind: str
    state: State
    attempts: int
    created_at: float
    changed_at: float
    due_at: float | None  # of its stream: none where it is parked, or has nothing to do
    parked: bool
    verdict: str | None
    detail: str | None
    payload: str | None = None


def listed(
    session: Session, *, target: str | None = None, state: State | None = None, after: int = 0, count: int = 100
) -> list[Shown]:
    """Return messages in the order of their numbers, from the one that follows `after`."""
    rows = _rows().where(Message.number > after, true() if target is None else Stream.target == target)
    if state is not None:
        rows = rows.where(Message.state == state)
        # Said again in the words of the partial index.
        rows = rows if state is State.COMPLETED else rows.where(is_open())
    return [_shown(row) for row in session.execute(rows.order_by(Message.number).limit(count))]


def show(session: Session, number: int) -> Shown:
    """Return a message with its payload; raises NoSuchMessage."""
    row = session.execute(_rows(Message.payload).where(Message.number == number)).one_or_none()
    if row is None:
        raise NoSuchMessage(f"there is no message {number}")
    return _shown(row, row.payload)


def retry(session: Session, number: int, now: float) -> None:
    """Have a dead letter, or a message that waits after a failure, tried at once, with all its attempts again.

    Raises:
        NoSuchMessage: there is none.
        NotNow: it is pending, being sent, or completed.
    """
    stream, message = _locked(session, number)
    if State.PENDING not in TRANSITIONS[State(message.state)] or message.state == State.PROCESSING:
        raise NotNow(f"message {number} is {message.state}")
    message.state, message.attempts, message.doubted_at, message.changed_at = State.PENDING, 0, None, now
    session.flush()
    _reschedule(session, stream, now)


def drop(session: Session, number: int, now: float) -> Shown:
    """Delete a message that was not sent, and return what it was; what waited behind it goes on.

    Raises:
        NoSuchMessage: there is none.
        NotNow: it is being sent, or completed.
    """
    stream, message = _locked(session, number)
    if message.state in (State.PROCESSING, State.COMPLETED):
        raise NotNow(f"message {number} is {message.state}")
    dropped = show(session, number)
    session.execute(delete(Message).where(Message.number == number))
    _reschedule(session, stream, now)
    return dropped


def _locked(session: Session, number: int) -> tuple[Stream, Message]:
    """Return a message under the lock of its stream, which workers and writers take too."""
    held = select(Message.stream).where(Message.number == number).scalar_subquery()
    stream = session.scalar(
        select(Stream).where(Stream.number == held).with_for_update().execution_options(populate_existing=True)
    )
    fresh = select(Message).where(Message.number == number).execution_options(populate_existing=True)
    message = session.scalar(fresh)
    if stream is None or message is None:
        raise NoSuchMessage(f"there is no message {number}")
    return stream, message


def _reschedule(session: Session, stream: Stream, now: float) -> None:
    """Make a stream due according to its head; one that a worker has is released by that."""
    if stream.leased:
        return
    head = select(Message.state).where(Message.stream == stream.number, is_open()).order_by(Message.number).limit(1)
    state = session.scalar(head)
    stream.parked = state == State.DEAD_LETTER
    if state is None or stream.parked:
        stream.visible_at = None
    elif state == State.PENDING or stream.visible_at is None:
        stream.visible_at = now
    wake(session, stream.target)
    session.flush()


def _rows(*more: Any) -> Select[*tuple[Any, ...]]:
    columns = (Message.number, Message.key, Stream.target, Stream.aggregate, Message.kind, Message.state)
    counted = (Message.attempts, Message.created_at, Message.changed_at, Stream.visible_at, Stream.parked)
    rows = select(*columns, *counted, Message.verdict, Message.detail, *more)
    return rows.join(Stream, Stream.number == Message.stream)


def _shown(row: Any, payload: str | None = None) -> Shown:
    return Shown(
        number=row.number,
        key=row.key,
        target=row.target,
        aggregate=row.aggregate,
        kind=row.kind,
        state=State(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        changed_at=row.changed_at,
        due_at=row.visible_at,
        parked=row.parked,
        verdict=row.verdict,
        detail=row.detail,
        payload=payload,
    )
