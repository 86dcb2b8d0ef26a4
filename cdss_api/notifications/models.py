"""The tables of notifications. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base

LONGEST_SUBJECT, LONGEST_LINK, LONGEST_DEDUPE, LONGEST_KEY, LONGEST_URL = 500, 500, 200, 255, 500


class Happening(Base):
    """What happened, once: another one of the same `dedupe` is the same happening."""

    __tablename__ = "notification_happening"

    happening_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(Text)
    patient_id: Mapped[str | None] = mapped_column(String(LONGEST_KEY))
    issuer: Mapped[str | None] = mapped_column(String(LONGEST_KEY))
    study: Mapped[str | None] = mapped_column(String(64))
    link: Mapped[str] = mapped_column(String(LONGEST_LINK))
    dedupe: Mapped[str] = mapped_column(String(LONGEST_DEDUPE), unique=True)
    created_at: Mapped[float] = mapped_column(Double, index=True)


class Notification(Base):
    """One person is told of a happening; `notification_id` is what every channel calls it by.

    `number` counts within one account. It is given while that account's inbox is locked, so that its order is the
    order of commits, and who reads on from the last number that they saw misses nothing.
    """

    __tablename__ = "notification"
    __table_args__ = (
        Index("notification_once", "account_id", "happening_id", unique=True),
        Index(
            "notification_unread",
            "account_id",
            "number",
            postgresql_where=text("read_at IS NULL"),
            sqlite_where=text("read_at IS NULL"),
        ),
    )

    account_id: Mapped[str] = mapped_column(ForeignKey("account.account_id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    notification_id: Mapped[str] = mapped_column(String(32), unique=True)
    happening_id: Mapped[str] = mapped_column(
        ForeignKey("notification_happening.happening_id", ondelete="CASCADE"), index=True
    )
    shown: Mapped[bool]  # in the account's pages; else it was for the other channels only
    read_at: Mapped[float | None] = mapped_column(Double)


class Inbox(Base):
    """An account's counter, and what it chose; `channels` holds the kinds that differ from the table's."""

    __tablename__ = "notification_inbox"

    account_id: Mapped[str] = mapped_column(ForeignKey("account.account_id"), primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)
    channels: Mapped[dict[str, Any]] = mapped_column(JSON)
    email: Mapped[str | None] = mapped_column(String(254))
    webhook: Mapped[str | None] = mapped_column(String(LONGEST_URL))
