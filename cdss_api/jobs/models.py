"""The tables of jobs. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Double, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base, Number

LONGEST_RESULT = 1 << 20  # characters of a result's JSON
LONGEST_DETAIL = 2000
_ADMITTED = text("state IN ('queued', 'running')")


class Job(Base):
    """A model asked for on a series as it was at one moment.

    `orthanc` is Orthanc's identifier of the series, which knows whose it is, as a SeriesInstanceUID does not. `digest`
    is empty until the service has told which one the model has.
    """

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("rule", "model", "digest", "orthanc", "input_hash"),
        Index("job_series", "orthanc"),
        Index("job_study", "study"),
        Index("job_state", "state", "number"),
        Index("job_created", "created_at"),
        # What is admitted next, and how much is: what has ended is in no part of it.
        Index("job_turn", "state", "turn", postgresql_where=_ADMITTED, sqlite_where=_ADMITTED),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    job_key: Mapped[str] = mapped_column(String(32), unique=True)
    rule: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(64))
    model_version: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    orthanc: Mapped[str] = mapped_column(String(255))
    study: Mapped[str] = mapped_column(String(64))
    series: Mapped[str] = mapped_column(String(64))
    patient_id: Mapped[str] = mapped_column(String(255))
    issuer: Mapped[str] = mapped_column(String(255))
    accession: Mapped[str] = mapped_column(String(255))
    modality: Mapped[str] = mapped_column(String(255))
    instances: Mapped[int]
    input_hash: Mapped[str] = mapped_column(String(64))
    uids_hash: Mapped[str] = mapped_column(String(64))
    priority: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(64))  # a stable code
    detail: Mapped[str | None] = mapped_column(Text)
    run: Mapped[int]  # one more each time that it is queued again: what an older one brings counts no more
    attempts: Mapped[int]  # of this run
    message: Mapped[int | None] = mapped_column(BigInteger)  # of the outbox: set from its admission on
    trace_id: Mapped[str] = mapped_column(String(32))
    span_id: Mapped[str | None] = mapped_column(String(16))  # its own span of this run, recorded once it has ended
    parent_id: Mapped[str | None] = mapped_column(String(16))  # the span that asked for it
    turn: Mapped[float] = mapped_column(Double)  # the smallest goes first
    created_at: Mapped[float] = mapped_column(Double)
    submitted_at: Mapped[float | None] = mapped_column(Double)  # of this attempt
    started_at: Mapped[float | None] = mapped_column(Double)  # of this attempt, as soon as its model was seen to run
    ended_at: Mapped[float | None] = mapped_column(Double)
    seconds: Mapped[float | None] = mapped_column(Double)  # that the model took
    result: Mapped[str | None] = mapped_column(Text)  # JSON of a contract's Result


class JudgedSeries(Base):
    """What was told last of a series, so that what comes twice or late changes nothing."""

    __tablename__ = "job_judged"

    orthanc: Mapped[str] = mapped_column(String(255), primary_key=True)
    writer: Mapped[str] = mapped_column(String(255))
    sequence: Mapped[int] = mapped_column(BigInteger)


class KnownModel(Base):
    """A model as the inference service told of it last."""

    __tablename__ = "job_model"

    model: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    deadline: Mapped[float] = mapped_column(Double)  # seconds that a run may take
    told: Mapped[dict[str, Any]] = mapped_column(JSON)  # intended use, limits, gates
    seen_at: Mapped[float] = mapped_column(Double)
