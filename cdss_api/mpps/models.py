"""The tables of performed procedure steps."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Double, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base


class PerformedStep(Base):
    """A step as its modality told it last. Times are seconds since the epoch."""

    __tablename__ = "performed_step"
    __table_args__ = (
        Index("performed_step_began", "began"),
        Index("performed_step_status", "status"),
        Index("performed_step_whom", "patient_id", "issuer"),
    )

    uid: Mapped[str] = mapped_column(String(64), primary_key=True)  # SOPInstanceUID
    title: Mapped[str] = mapped_column(String(16))  # the AE title that told of it
    station: Mapped[str] = mapped_column(String(16))
    modality: Mapped[str] = mapped_column(String(16))
    step_id: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    began: Mapped[float] = mapped_column(Double)
    ended: Mapped[float | None] = mapped_column(Double)
    reason: Mapped[str] = mapped_column(String(200))  # why it was discontinued
    series: Mapped[int]
    patient_id: Mapped[str] = mapped_column(String(64))
    issuer: Mapped[str] = mapped_column(String(64))
    patient_name: Mapped[str] = mapped_column(String(255))
    scheduled: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # of steps.Scheduled
    told: Mapped[float] = mapped_column(Double)


class PerformedOrder(Base):
    """That a step carries out an order; a step without one was not scheduled, or fits none."""

    __tablename__ = "performed_order"

    uid: Mapped[str] = mapped_column(ForeignKey("performed_step.uid"), primary_key=True)
    order_id: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
