"""How far each target was asked for what others wrote there."""

from __future__ import annotations

from sqlalchemy import Double, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base


class Cursor(Base):
    """How far a target was asked for a type; `detail` says why the last question failed, if it did."""

    __tablename__ = "outbox_cursor"

    target: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[str | None] = mapped_column(String(40))  # an instant as the target writes it
    polled_at: Mapped[float | None] = mapped_column(Double)
    detail: Mapped[str | None] = mapped_column(Text)
