"""The outbox: streams, their messages, and the targets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "outbox_target",
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("breaker", sa.String(length=16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.Column("worked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("target"),
    )
    op.create_table(
        "outbox_stream",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("aggregate", sa.String(length=300), nullable=False),
        sa.Column("visible_at", sa.Double(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("leased", sa.Boolean(), nullable=False),
        sa.Column("parked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("target", "aggregate"),
    )
    _partial("outbox_stream_due", "outbox_stream", ["target", "visible_at"], "visible_at IS NOT NULL")
    op.create_table(
        "outbox_message",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("stream", _NUMBER, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("doubted_at", sa.Double(), nullable=True),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["stream"], ["outbox_stream.number"]),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    _partial("outbox_message_open", "outbox_message", ["stream", "number"], "state <> 'completed'")
    _partial("outbox_message_troubled", "outbox_message", ["state", "number"], "state IN ('failed', 'dead_letter')")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
