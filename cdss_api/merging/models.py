"""The table of merges."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Double, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base

_LOGICAL_ID = String(64)


class Merge(Base):
    """One Patient (`source`) that was found to be another (`target`). Times are seconds since the epoch, UTC."""

    __tablename__ = "merge"
    __table_args__ = (Index("merge_state", "state", "made"),)

    merge_id: Mapped[str] = mapped_column(_LOGICAL_ID, primary_key=True)
    source: Mapped[str] = mapped_column(_LOGICAL_ID, index=True)
    target: Mapped[str] = mapped_column(_LOGICAL_ID, index=True)
    state: Mapped[str] = mapped_column(String(16))
    written: Mapped[list[list[Any]]] = mapped_column(JSON)  # type, id and version of each resource that it wrote
    studies: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # of correcting.Move
    correction_id: Mapped[str | None] = mapped_column(_LOGICAL_ID)  # the one that moved the studies
    made: Mapped[float] = mapped_column(Double)
    made_by: Mapped[str] = mapped_column(String(300))
    decided: Mapped[float | None] = mapped_column(Double)
    decided_by: Mapped[str | None] = mapped_column(String(300))
