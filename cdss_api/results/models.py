"""The table of results. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from sqlalchemy import Double, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base, Number


class ResultRow(Base):
    """What a model found, what it was written as, and what a radiologist says of it.

    It is written before anything is stored in the archive, so that nothing there is without its row; `published_at` is
    none until all is. Where its series is another one by now, it is withdrawn. `imaging_study` is an ImagingStudy's id.
    """

    __tablename__ = "result"
    __table_args__ = (
        Index("result_study", "study"),
        Index("result_imaging_study", "imaging_study"),
        Index("result_digest", "model", "digest"),
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    job: Mapped[int] = mapped_column(Number, ForeignKey("job.number"), unique=True)
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
    input_hash: Mapped[str] = mapped_column(String(64))
    imaging_study: Mapped[str | None] = mapped_column(String(64))
    segmentation_uid: Mapped[str | None] = mapped_column(String(64))  # SOPInstanceUIDs of what is stored
    measurements_uid: Mapped[str] = mapped_column(String(64))
    text_uid: Mapped[str] = mapped_column(String(64))
    critical: Mapped[bool]
    body: Mapped[str] = mapped_column(Text)  # JSON of the contract's Result
    made_at: Mapped[float] = mapped_column(Double)
    published_at: Mapped[float | None] = mapped_column(Double)
    withdrawn_at: Mapped[float | None] = mapped_column(Double)
    verdict: Mapped[str | None] = mapped_column(String(16))
    verdict_reason: Mapped[str | None] = mapped_column(Text)
    judged_by: Mapped[str | None] = mapped_column(String(64))  # an account
    judged_at: Mapped[float | None] = mapped_column(Double)
