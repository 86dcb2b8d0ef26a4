"""How much waits for each target, for how long, and what its breaker says."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdss_api.outbox.breaker_state import Breaker
from cdss_api.outbox.configured_targets import ConfiguredTarget
from cdss_api.outbox.dispatching import is_own
from cdss_api.outbox.models import Message, Stream, Target, is_open
from cdss_api.outbox.states import State


@dataclass(frozen=True, slots=True)
class Depth:
    """A target's state; it is told of `kinds` and asked for `polled`.

    `dead` are messages that a person has to look at, `waiting` all others that are open.
    """

    target: str
    own: bool  # the platform's own, which nobody set up
    profile: str | None  # none where the target was removed, and for the platform's own
    url: str | None
    kinds: tuple[str, ...]
    polled: tuple[str, ...]
    paused: bool
    waiting: int
    dead: int
    oldest_seconds: float  # of what waits, with what waits behind a dead letter
    breaker: str
    failures: int
    until: float | None  # when an open breaker lets one message probe
    worked_at: float | None


def depth_of(session: Session, now: float) -> list[Depth]:
    """Return all targets by name; one that never had a message is empty."""
    known = {one.target: one for one in session.scalars(select(ConfiguredTarget))}
    breakers = {one.target: one for one in session.scalars(select(Target))}
    dead = {target: count for target, count, _ in _counted(session, dead=True)}
    waiting = {target: (count, oldest) for target, count, oldest in _counted(session, dead=False)}
    found = []
    for target in sorted({*known, *dead, *waiting}):
        one, breaker = known.get(target), breakers.get(target)
        count, oldest = waiting.get(target, (0, now))
        found.append(
            Depth(
                target=target,
                own=is_own(target),
                profile=None if one is None else one.profile,
                url=None if one is None else one.url,
                kinds=() if one is None else tuple(one.kinds),
                polled=() if one is None else tuple(one.polled),
                paused=one is not None and one.paused,
                waiting=count,
                dead=dead.get(target, 0),
                oldest_seconds=max(now - oldest, 0.0),
                breaker=Breaker.CLOSED.value if breaker is None else breaker.breaker,
                failures=0 if breaker is None else breaker.failures,
                until=None if breaker is None else breaker.until,
                worked_at=None if breaker is None else breaker.worked_at,
            )
        )
    return found


def _counted(session: Session, *, dead: bool) -> list[tuple[str, int, float]]:
    """Return each target with how many messages and when the oldest was written; completed ones are not looked at."""
    state = Message.state == State.DEAD_LETTER if dead else Message.state != State.DEAD_LETTER
    rows = select(Stream.target, func.count(), func.min(Message.created_at))
    joined = rows.join(Stream, Stream.number == Message.stream).where(is_open(), state)
    return [(target, count, oldest) for target, count, oldest in session.execute(joined.group_by(Stream.target))]
