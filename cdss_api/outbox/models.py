"""The tables of the outbox. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Double,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    any_,
    literal,
    literal_column,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from cdss_api.database import Base, Number


class Stream(Base):
    """The messages about one aggregate to one target: what is locked, scheduled and leased.

    Whoever writes a message locks this row before the message gets its number, so that the order of numbers is the
    order of commits. `visible_at` says when the head is due; a lease is the same time, pushed out. It is none where
    nothing waits, and where a dead letter holds up the rest.
    """

    __tablename__ = "outbox_stream"
    __table_args__ = (
        UniqueConstraint("target", "aggregate"),
        # Streams with nothing to do are not in it, however many there are.
        Index(
            "outbox_stream_due",
            "target",
            "visible_at",
            postgresql_where=text("visible_at IS NOT NULL"),
            sqlite_where=text("visible_at IS NOT NULL"),
        ),
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    target: Mapped[str] = mapped_column(String(64))
    aggregate: Mapped[str] = mapped_column(String(300))
    visible_at: Mapped[float | None] = mapped_column(Double)
    fence: Mapped[int] = mapped_column(BigInteger)  # one more at each claim: only the last claim may settle
    leased: Mapped[bool]  # still set when a lease is over: its worker died, or hangs
    parked: Mapped[bool]


class Message(Base):
    """One message; `key` is what a receiver knows it by when it comes a second time."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        # Completed messages are in no index but the primary key.
        Index(
            "outbox_message_open",
            "stream",
            "number",
            postgresql_where=text("state <> 'completed'"),
            sqlite_where=text("state <> 'completed'"),
        ),
        Index(
            "outbox_message_troubled",
            "state",
            "number",
            postgresql_where=text("state IN ('failed', 'dead_letter')"),
            sqlite_where=text("state IN ('failed', 'dead_letter')"),
        ),
        # A number is never given twice, even where the newest message was dropped.
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    stream: Mapped[int] = mapped_column(ForeignKey("outbox_stream.number"))
    key: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(64))
    payload: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    created_at: Mapped[float] = mapped_column(Double)
    changed_at: Mapped[float] = mapped_column(Double)
    doubted_at: Mapped[float | None] = mapped_column(Double)  # its last failure that may have been the target's
    verdict: Mapped[str | None] = mapped_column(String(16))
    detail: Mapped[str | None] = mapped_column(Text)
    traceparent: Mapped[str | None] = mapped_column(String(55))  # the span that wrote it


class Target(Base):
    """A system that messages go to, and its breaker, which all workers share."""

    __tablename__ = "outbox_target"

    target: Mapped[str] = mapped_column(String(64), primary_key=True)
    breaker: Mapped[str] = mapped_column(String(16))
    failures: Mapped[int]  # one after the other, since it last took something
    openings: Mapped[int]  # one after the other: each pause is longer
    until: Mapped[float | None] = mapped_column(Double)  # open: when to probe; half-open: when to give the probe up
    worked_at: Mapped[float | None] = mapped_column(Double)


def is_open() -> ColumnElement[bool]:
    """Return that a message is not completed, in the partial index's own words.

    With a parameter in their place, a plan that is made once for all values could not use that index.
    """
    return Message.state != literal_column("'completed'")


def among(session: Session, column: InstrumentedAttribute[int], numbers: Sequence[int]) -> ColumnElement[bool]:
    """Return that a column is one of `numbers`; to PostgreSQL one array, so that a statement stays the same to it.

    A list of parameters of its own makes each statement a new one, which is parsed and planned anew.
    """
    if session.get_bind().dialect.name == "sqlite":
        return column.in_(numbers)
    return column == any_(literal(list(numbers), ARRAY(BigInteger)))
