"""Series on their way as people look at them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdss_api.forwarding.models import Forward, State


def listed(
    session: Session, *, state: State | None, destination: str | None, before: int | None, count: int
) -> Sequence[Forward]:
    """Return a page, the newest first."""
    rows = select(Forward).order_by(Forward.number.desc()).limit(count)
    if state is not None:
        rows = rows.where(Forward.state == state)
    if destination is not None:
        rows = rows.where(Forward.destination == destination)
    if before is not None:
        rows = rows.where(Forward.number < before)
    return session.scalars(rows).all()


def by_destination(session: Session) -> dict[str, dict[State, int]]:
    """Count the series of each state, by destination."""
    rows = select(Forward.destination, Forward.state, func.count()).group_by(Forward.destination, Forward.state)
    found: dict[str, dict[State, int]] = {}
    for destination, state, count in session.execute(rows.order_by(Forward.destination)):
        found.setdefault(destination, dict.fromkeys(State, 0))[State(state)] = count
    return found
