"""The table of forwarding. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, Double, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base, Number

BY_HAND = ""
"""In the place of a rule: somebody asked for it."""
LONGEST_DETAIL = 2000


class State(StrEnum):
    """Where a series stands on its way."""

    QUEUED = "queued"
    SENDING = "sending"  # Orthanc has a job for it
    SENT = "sent"
    FAILED = "failed"  # refused for good: its message is a dead letter
    SUPERSEDED = "superseded"  # not wanted any more: the series changed and its rule does not send it, or it is gone


class Forward(Base):
    """A series, as its files were at one moment, that goes to one AE title by one rule.

    `sent` names the files that arrived there, so that a late image goes alone.
    """

    __tablename__ = "forward"
    __table_args__ = (
        UniqueConstraint("rule", "destination", "orthanc", "input_hash"),
        Index("forward_series", "orthanc", "destination"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    rule: Mapped[str] = mapped_column(String(64))
    destination: Mapped[str] = mapped_column(String(16))
    orthanc: Mapped[str] = mapped_column(String(255))
    study: Mapped[str] = mapped_column(String(64))
    series: Mapped[str] = mapped_column(String(64))
    patient_id: Mapped[str] = mapped_column(String(255))
    issuer: Mapped[str] = mapped_column(String(255))
    input_hash: Mapped[str] = mapped_column(String(64))
    priority: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    run: Mapped[int]  # one more each time that it is asked for again
    detail: Mapped[str | None] = mapped_column(Text)
    message: Mapped[int | None] = mapped_column(BigInteger)  # of the outbox
    job: Mapped[str | None] = mapped_column(String(64))  # Orthanc's
    files: Mapped[str | None] = mapped_column(Text)  # JSON: the files that the job sends
    sent: Mapped[str | None] = mapped_column(Text)  # JSON: the files that arrived
    created_at: Mapped[float] = mapped_column(Double)
    ended_at: Mapped[float | None] = mapped_column(Double)
