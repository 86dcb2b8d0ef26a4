"""The table of legal holds. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from sqlalchemy import Double, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base, Number


class Hold(Base):
    """A hold on a study, or without `study_uid` on a patient; it stays in the table when it is lifted."""

    __tablename__ = "legal_hold"
    __table_args__ = (
        Index("legal_hold_study", "study_uid"),
        Index("legal_hold_patient", "patient_id", "issuer"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    study_uid: Mapped[str | None] = mapped_column(String(255))
    patient_id: Mapped[str] = mapped_column(String(255))
    issuer: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    placed_at: Mapped[float] = mapped_column(Double)
    placed_by: Mapped[str] = mapped_column(String(300))
    lifted_at: Mapped[float | None] = mapped_column(Double)
    lifted_by: Mapped[str | None] = mapped_column(String(300))
    lifted_reason: Mapped[str | None] = mapped_column(Text)
