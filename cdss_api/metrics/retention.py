"""Figures of retention and legal holds."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdss_api.holds.models import Hold
from cdss_api.metrics.figures import Figures, gauge
from cdss_api.retention.departures import leaving_soon
from cdss_api.retention.models import Departure, State


def retention(session: Session, now: float) -> Figures:
    """Return what leaves within 7 days, what has left, and what is held."""
    leaving, size = leaving_soon(session)
    held = select(func.count()).select_from(Hold).where(Hold.lifted_at.is_(None))
    left = select(func.count()).select_from(Departure).where(Departure.state == State.LEFT)
    begun = select(func.min(Departure.began_at)).where(Departure.state == State.LEAVING)
    since = session.scalar(begun)
    return [
        gauge("neuronova_retention_leaving_studies", "Studies that leave by a rule within 7 days", float(leaving)),
        gauge("neuronova_retention_leaving_bytes", "Their size", float(size)),
        gauge("neuronova_departures", "Studies that have left the archive", float(session.scalar(left) or 0)),
        gauge(
            "neuronova_departure_oldest_seconds",
            "Age of the oldest departure that is begun and not ended",
            0.0 if since is None else now - since,
        ),
        gauge("neuronova_legal_holds", "Legal holds in force", float(session.scalar(held) or 0)),
    ]
