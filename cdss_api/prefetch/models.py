"""The tables of prefetch. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, ColumnElement, Double, ForeignKey, Index, String, Text, UniqueConstraint, exists
from sqlalchemy.orm import Mapped, Session, mapped_column

from cdss_api.database import Base, Number

LONGEST_DETAIL = 2000


class State(StrEnum):
    """How far the priors of an order are."""

    QUEUED = "queued"  # the archive is to be asked which studies it has
    FETCHING = "fetching"  # it was asked, and studies are being fetched
    DONE = "done"
    FAILED = "failed"  # not all of them came
    SUPERSEDED = "superseded"  # not wanted any more: the order or the rule is gone


class PriorState(StrEnum):
    """What became of a study that the archive has."""

    QUEUED = "queued"
    FETCHING = "fetching"  # Orthanc has a job for it
    FETCHED = "fetched"
    PRESENT = "present"  # all of it was here
    DOUBTFUL = "doubtful"  # perhaps another patient's: it is left there
    FAILED = "failed"
    LEFT = "left"  # not wanted any more


class Prefetch(Base):
    """The priors of an order from one archive by one rule; `asked` stands for what of the order they depend on."""

    __tablename__ = "prefetch"
    __table_args__ = (UniqueConstraint("order_id", "rule"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    order_id: Mapped[str] = mapped_column(String(64))  # of the ServiceRequest
    rule: Mapped[str] = mapped_column(String(64))
    archive: Mapped[str] = mapped_column(String(16))  # its AE title
    patient_id: Mapped[str] = mapped_column(String(255))
    issuer: Mapped[str] = mapped_column(String(255))
    asked: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    run: Mapped[int]  # one more each time that it is asked for again
    detail: Mapped[str | None] = mapped_column(Text)
    message: Mapped[int | None] = mapped_column(BigInteger)  # of the outbox
    created_at: Mapped[float] = mapped_column(Double)
    ended_at: Mapped[float | None] = mapped_column(Double)


class Prior(Base):
    """A study that the archive has of the order's patient; `images` as the archive tells, None where it does not.

    `as_prior`: none of it was here before it was fetched, and it is old enough: it is no new work.
    """

    __tablename__ = "prior"
    __table_args__ = (
        UniqueConstraint("prefetch", "study"),
        Index("prior_study", "study"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    prefetch: Mapped[int] = mapped_column(ForeignKey("prefetch.number"))
    study: Mapped[str] = mapped_column(String(64))
    date: Mapped[str] = mapped_column(String(8))
    description: Mapped[str] = mapped_column(String(64))
    modalities: Mapped[str] = mapped_column(String(255))  # with spaces between
    images: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str | None] = mapped_column(Text)
    job: Mapped[str | None] = mapped_column(String(64))  # Orthanc's
    as_prior: Mapped[bool]


def is_prior(session: Session, study: str) -> bool:
    """Tell whether a study came as a prior."""
    return bool(session.scalar(came_as_prior(study).select()))


def came_as_prior(study: ColumnElement[str] | str) -> ColumnElement[bool]:
    """Return that a study came, or comes, as a prior."""
    return exists().where(Prior.study == study, Prior.as_prior)
