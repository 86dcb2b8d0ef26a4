"""What somebody else wrote at a target, and our newer version replaced: the loser is kept, for a person to look at."""

from __future__ import annotations

from sqlalchemy import Double, Index, String, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cdss_api.database import Base, Number

_KEPT = 1000  # of one target


class Conflict(Base):
    """A version of a target's that lost against `version` of ours; without `loser` it had been deleted there."""

    __tablename__ = "outbox_conflict"
    __table_args__ = (Index("outbox_conflict_target", "target", "number"),)

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    target: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(64))
    id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    remote_id: Mapped[str] = mapped_column(String(200))
    remote_version: Mapped[str | None] = mapped_column(String(200))
    loser: Mapped[str | None] = mapped_column(Text)
    lost: Mapped[str] = mapped_column(
        String(8), default="theirs", server_default="theirs"
    )  # whose version `loser` is: ours or theirs
    found_at: Mapped[float] = mapped_column(Double)


def keep(session: Session, conflict: Conflict) -> None:
    """Keep a loser, once however often the message that found it is tried; of one target, the newest thousand."""
    same = select(Conflict.number).where(
        Conflict.target == conflict.target,
        Conflict.kind == conflict.kind,
        Conflict.id == conflict.id,
        Conflict.remote_version.is_not_distinct_from(conflict.remote_version),
        Conflict.version == conflict.version,
    )
    if session.scalar(same.limit(1)) is not None:
        return
    session.add(conflict)
    session.flush()
    newest = select(Conflict.number).where(Conflict.target == conflict.target).order_by(Conflict.number.desc())
    oldest_kept = session.scalar(newest.offset(_KEPT - 1).limit(1))
    if oldest_kept is not None:
        session.execute(delete(Conflict).where(Conflict.target == conflict.target, Conflict.number < oldest_kept))


def listed(session: Session, target: str | None = None, count: int = 100) -> list[Conflict]:
    """Return conflicts, the newest first."""
    rows = select(Conflict).order_by(Conflict.number.desc()).limit(count)
    return list(session.scalars(rows if target is None else rows.where(Conflict.target == target)))
