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
from cdss_api.outbox.cursors import Cursor
from cdss_api.outbox.models import Message, Stream, is_open
from cdss_api.outbox.profiles import Kind
from cdss_api.outbox.remotes import Remote
from cdss_api.outbox.states import State


class ConfiguredTarget(Base):
    """A target and what it wants. A paused one is written for and not sent to, so that nothing is missing later."""

    __tablename__ = "outbox_configured_target"

    target: Mapped[str] = mapped_column(String(64), primary_key=True)
    profile: Mapped[str] = mapped_column(String(16))
    url: Mapped[str] = mapped_column(String(500))
    kinds: Mapped[list[str]] = mapped_column(JSON)  # types of resources
    polled: Mapped[list[str]] = mapped_column(JSON)  # types that it is asked for
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
    polled: Collection[str] = ()


def add(session: Session, data: Path, wanted: Wanted, now: float) -> ConfiguredTarget:
    """Add a target, its credentials first: a file without a target harms nobody.

    Raises:
        TargetExists: there is one of that name.
    """
    if session.get(ConfiguredTarget, wanted.target) is not None:
        raise TargetExists(f"there is a target {wanted.target}")
    credentials.keep(data, wanted.target, wanted.credentials)
    made = ConfiguredTarget(
        target=wanted.target,
        profile=wanted.profile.value,
        url=wanted.url,
        kinds=sorted(set(wanted.kinds)),
        polled=sorted(set(wanted.polled)),
        paused=False,
        created_at=now,
    )
    session.add(made)
    session.flush()
    return made


def listed(session: Session) -> list[ConfiguredTarget]:
    """Return all targets by name."""
    return list(session.scalars(select(ConfiguredTarget).order_by(ConfiguredTarget.target)))


def polled(session: Session) -> list[str]:
    """Return the targets that are asked for something, but those that are paused."""
    rows = session.scalars(select(ConfiguredTarget).where(~ConfiguredTarget.paused))
    return [one.target for one in rows if one.polled]


def found(session: Session, target: str) -> ConfiguredTarget:
    """Return a target; raises NoSuchTarget."""
    configured = session.get(ConfiguredTarget, target)
    if configured is None:
        raise NoSuchTarget(f"there is no target {target}")
    return configured


def pause(session: Session, target: str, *, paused: bool) -> ConfiguredTarget:
    """Stop sending to a target, or go on; raises NoSuchTarget."""
    configured = found(session, target)
    configured.paused = paused
    session.flush()
    return configured


def remove(session: Session, target: str, *, drop: bool) -> int:
    """Forget a target and what is known of its resources; return how many waiting messages went with it.

    Its streams stay, without messages: a worker may hold one at this moment. Its credentials are the caller's to
    forget once this is committed.

    Raises:
        NoSuchTarget: there is none of that name.
        StillOpen: messages wait and `drop` was not said, or one is being sent.
    """
    configured = found(session, target)
    # The lock that writers and workers take, too: what is counted here does not change until the end.
    streams = list(session.scalars(select(Stream.number).where(Stream.target == target).with_for_update()))
    waiting = select(func.count()).select_from(Message).where(Message.stream.in_(streams), is_open())
    sending = session.scalar(waiting.where(Message.state == State.PROCESSING)) or 0
    open_ = session.scalar(waiting) or 0
    if sending or (open_ and not drop):
        raise StillOpen(f"{open_} messages wait for {target}, {sending} of them being sent")
    session.execute(delete(Message).where(Message.stream.in_(streams), is_open()))
    for table in (Remote, Conflict, Cursor):
        session.execute(delete(table).where(table.target == target))
    session.delete(configured)
    session.flush()
    return open_
