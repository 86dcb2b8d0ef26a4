"""The tables of clients. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Double, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base

_ID = String(64)


class Client(Base):
    """A program of somebody else's; it has either an address of keys or the keys themselves."""

    __tablename__ = "client"

    client_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(128), unique=True)
    jwks_url: Mapped[str | None] = mapped_column(String(2048))
    jwks: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    scopes: Mapped[str] = mapped_column(Text)
    enabled: Mapped[bool]
    session: Mapped[str] = mapped_column(_ID)  # of its tokens; another one once it was disabled
    created_at: Mapped[float] = mapped_column(Double)


class UsedAssertion(Base):
    """A client's assertion that was accepted: it is accepted once, by whichever process (RFC 7523 3)."""

    __tablename__ = "client_assertion"

    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id", ondelete="CASCADE"), primary_key=True)
    jti_hash: Mapped[str] = mapped_column(_ID, primary_key=True)
    until: Mapped[float] = mapped_column(Double, index=True)
