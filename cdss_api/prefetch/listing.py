"""Orders' priors as people look at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.prefetch.models import Prefetch, Prior, State


def listed(session: Session, *, state: State | None, before: int | None, count: int) -> Sequence[Prefetch]:
    """Return a page, the newest first."""
    rows = select(Prefetch).order_by(Prefetch.number.desc()).limit(count)
    if state is not None:
        rows = rows.where(Prefetch.state == state)
    if before is not None:
        rows = rows.where(Prefetch.number < before)
    return session.scalars(rows).all()


def priors_of(session: Session, rows: Iterable[Prefetch]) -> Mapping[int, Sequence[Prior]]:
    """Return the studies of each, the newest first."""
    found: dict[int, list[Prior]] = {row.number: [] for row in rows}
    priors = select(Prior).where(Prior.prefetch.in_(found)).order_by(Prior.date.desc(), Prior.number)
    for prior in session.scalars(priors):
        found[prior.prefetch].append(prior)
    return found
