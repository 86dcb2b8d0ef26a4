"""Targets as an admin sets them up: where they are, and which resources they are told of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import JSON, Double, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cdss_api.database import Base
from cdss_api.outbox import credentials
from cdss_api.outbox.conflicts import Conflict
from cdss_api.outbox.credentials import Credentials
from cdss_api.outbox.models import Message, Stream, is_open
from cdss_api.outbox.profiles import Kind
from cdss_api.outbox.remotes import Remote
from cdss_api.outbox.states import State


class Subscription(Base):
    """A target and what it wants. A paused one is written for and not sent to, so that nothing is missing later."""

    __tablename__ = "outbox_subscription"

    target: Mapped[str] = mapped_column(String(64), primary_key=True)
    profile: Mapped[str] = mapped_column(String(16))
    url: Mapped[str] = mapped_column(String(500))
    kinds: Mapped[list[str]] = mapped_column(JSON)  # types of resources
    paused: Mapped[bool]
    created_at: Mapped[float] = mapped_column(Double)


class TargetExists(Exception):
    """There is a target of that name."""


class NoSuchTarget(Exception):
    """There is no target of that name."""


class StillOpen(Exception):
    """Messages wait for the target, or are being sent; the text says how many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a new target is made from; `url` has no slash at its end."""

    target: str
    profile: Kind
    url: str
    kinds: Collection[str]
    credentials: Credentials


def add(session: Session, data: Path, wanted: Wanted, now: float) -> Subscription:
    """Add a target, its credentials first: a file without a target harms nobody.

    Raises:
        TargetExists: there is one of that name.
    """
    if session.get(Subscription, wanted.target) is not None:
        raise TargetExists(f"there is a target {wanted.target}")
    credentials.keep(data, wanted.target, wanted.credentials)
    made = Subscription(
        target=wanted.target,
        profile=wanted.profile.value,
        url=wanted.url,
        kinds=sorted(set(wanted.kinds)),
        paused=False,
        created_at=now,
    )
    session.add(made)
    session.flush()
    return made


def listed(session: Session) -> list[Subscription]:
    """Return all targets by name."""
    return list(session.scalars(select(Subscription).order_by(Subscription.target)))


def found(session: Session, target: str) -> Subscription:
    """Return a target; raises NoSuchTarget."""
    subscription = session.get(Subscription, target)
    if subscription is None:
        raise NoSuchTarget(f"there is no target {target}")
    return subscription


def pause(session: Session, target: str, *, paused: bool) -> Subscription:
    """Stop sending to a target, or go on; raises NoSuchTarget."""
    subscription = found(session, target)
    subscription.paused = paused
    session.flush()
    return subscription


def remove(session: Session, target: str, *, drop: bool) -> int:
    """Forget a target and what is known of its resources; return how many waiting messages went with it.

    Its streams stay, without messages: a worker may hold one at this moment. Its credentials are the caller's to
    forget once this is committed.

    Raises:
        NoSuchTarget: there is none of that name.
        StillOpen: messages wait and `drop` was not said, or one is being sent.
    """
    subscription = found(session, target)
    # The lock that writers and workers take, too: what is counted here does not change until the end.
    streams = list(session.scalars(select(Stream.number).where(Stream.target == target).with_for_update()))
    waiting = select(func.count()).select_from(Message).where(Message.stream.in_(streams), is_open())
    sending = session.scalar(waiting.where(Message.state == State.PROCESSING)) or 0
    open_ = session.scalar(waiting) or 0
    if sending or (open_ and not drop):
        raise StillOpen(f"{open_} messages wait for {target}, {sending} of them being sent")
    session.execute(delete(Message).where(Message.stream.in_(streams), is_open()))
    for table in (Remote, Conflict):
        session.execute(delete(table).where(table.target == target))
    session.delete(subscription)
    session.flush()
    return open_
