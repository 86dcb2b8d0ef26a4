"""Which workers live: each says so from time to time, in the database that they share."""

from __future__ import annotations

from sqlalchemy import Double, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cdss_api.database import Base

CELERY = "celery:"  # what the names of a site's own workers begin with (see `celery_app`)
EVERY = 5.0  # seconds
SILENT = 30.0  # seconds after which a worker is taken for dead


class Heartbeat(Base):
    """A worker's process, on its machine, and when it was last heard of."""

    __tablename__ = "outbox_worker"

    worker: Mapped[str] = mapped_column(String(128), primary_key=True)
    seen_at: Mapped[float] = mapped_column(Double)


def beat(session: Session, worker: str, now: float) -> None:
    """Say that a worker lives; those that were not heard of for long are forgotten."""
    session.execute(delete(Heartbeat).where(Heartbeat.seen_at < now - 10 * SILENT))
    session.merge(Heartbeat(worker=worker, seen_at=now))


def leave(session: Session, worker: str) -> None:
    """Say that a worker ends."""
    session.execute(delete(Heartbeat).where(Heartbeat.worker == worker))


def living(session: Session, now: float, named: str = "") -> int:
    """Return how many workers were heard of lately, of those whose names begin as `named`."""
    heard = select(func.count()).select_from(Heartbeat).where(Heartbeat.seen_at > now - SILENT)
    return session.scalar(heard.where(Heartbeat.worker.startswith(named, autoescape=True))) or 0
