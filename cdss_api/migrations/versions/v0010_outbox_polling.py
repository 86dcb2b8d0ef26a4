"""The outbox: what targets are polled for, how far that came, and their configuration under a name of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version."""
    op.rename_table("outbox_subscription", "outbox_configured_target")
    op.add_column("outbox_configured_target", sa.Column("polled", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("outbox_configured_target") as table:
        table.alter_column("polled", server_default=None)  # it was for the rows that there are
    op.create_table(
        "outbox_cursor",
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("since", sa.String(length=40), nullable=True),
        sa.Column("polled_at", sa.Double(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("target", "kind"),
    )
    op.create_index("outbox_remote_theirs", "outbox_remote", ["target", "kind", "remote_id"])
    op.add_column("outbox_conflict", sa.Column("lost", sa.String(length=8), nullable=False, server_default="theirs"))
