"""The tables of retention. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, Double, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base, Number

NOTICE = 7 * 86400.0  # seconds that a study is listed before it leaves, whatever the rules say
LEGAL_HOLD = "it is under legal hold"
_UID = String(255)  # as a sender wrote it


class DueStudy(Base):
    """A study whose days are over, or will be soon, as the last look found it; `kept` says why it stays all the same.

    `announced_at` is when it was first listed: nothing leaves that was not listed for a while.
    """

    __tablename__ = "retention_due"
    __table_args__ = (Index("retention_due_at", "due_at"),)

    study_uid: Mapped[str] = mapped_column(_UID, primary_key=True)
    patient_id: Mapped[str] = mapped_column(_UID, primary_key=True)
    issuer: Mapped[str] = mapped_column(_UID, primary_key=True)
    orthanc: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(64))
    deletes: Mapped[bool]
    due_at: Mapped[float] = mapped_column(Double)
    announced_at: Mapped[float] = mapped_column(Double)
    bytes: Mapped[int] = mapped_column(BigInteger)
    images: Mapped[int]
    kept: Mapped[str | None] = mapped_column(Text)

    @property
    def leaves_at(self) -> float | None:
        """When it leaves at the earliest, None where it stays."""
        return max(self.due_at, self.announced_at + NOTICE) if self.kept is None else None


class State(StrEnum):
    """How far a departure is."""

    LEAVING = "leaving"  # written down, and not known to be gone
    LEFT = "left"
    STAYED = "stayed"  # it changed or was held in the last moment


class Departure(Base):
    """A study that has left, or is about to; it outlives the study.

    `rule` is empty where no rule did it. `digests` is a JSON list of SOPInstanceUID and MD5 of each stored file.
    """

    __tablename__ = "departure"
    __table_args__ = (
        Index("departure_study", "study_uid"),
        Index("departure_rule", "rule", "began_at"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    study_uid: Mapped[str] = mapped_column(_UID)
    patient_id: Mapped[str] = mapped_column(_UID)
    issuer: Mapped[str] = mapped_column(_UID)
    orthanc: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(64))
    why: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(300))
    began_at: Mapped[float] = mapped_column(Double)
    ended_at: Mapped[float | None] = mapped_column(Double)
    bytes: Mapped[int] = mapped_column(BigInteger)
    images: Mapped[int]
    digests: Mapped[str] = mapped_column(Text)
