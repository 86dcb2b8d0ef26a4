"""Notifications: what happened, who is told, and how they want to be."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_UNREAD = sa.text("read_at IS NULL")


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "notification_happening",
        sa.Column("happening_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=True),
        sa.Column("issuer", sa.String(length=255), nullable=True),
        sa.Column("study", sa.String(length=64), nullable=True),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("dedupe", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("happening_id"),
        sa.UniqueConstraint("dedupe"),
    )
    op.create_index("ix_notification_happening_created_at", "notification_happening", ["created_at"])
    op.create_table(
        "notification",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("notification_id", sa.String(length=32), nullable=False),
        sa.Column("happening_id", sa.String(length=32), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("read_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"]),
        sa.ForeignKeyConstraint(["happening_id"], ["notification_happening.happening_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "number"),
        sa.UniqueConstraint("notification_id"),
    )
    op.create_index("ix_notification_happening_id", "notification", ["happening_id"])
    op.create_index("notification_once", "notification", ["account_id", "happening_id"], unique=True)
    op.create_index(
        "notification_unread",
        "notification",
        ["account_id", "number"],
        postgresql_where=_UNREAD,
        sqlite_where=_UNREAD,
    )
    op.create_table(
        "notification_inbox",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("webhook", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"]),
        sa.PrimaryKeyConstraint("account_id"),
    )
