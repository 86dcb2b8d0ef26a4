"""Performed procedure steps, and the orders that they carry out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "performed_step",
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=16), nullable=False),
        sa.Column("station", sa.String(length=16), nullable=False),
        sa.Column("modality", sa.String(length=16), nullable=False),
        sa.Column("step_id", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("began", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=64), nullable=False),
        sa.Column("patient_name", sa.String(length=255), nullable=False),
        sa.Column("scheduled", sa.JSON(), nullable=False),
        sa.Column("told", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("uid"),
    )
    op.create_index("performed_step_began", "performed_step", ["began"])
    op.create_index("performed_step_status", "performed_step", ["status"])
    op.create_table(
        "performed_order",
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["uid"], ["performed_step.uid"]),
        sa.PrimaryKeyConstraint("uid", "order_id"),
    )
    op.create_index("ix_performed_order_order_id", "performed_order", ["order_id"])


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_table("performed_order")
    op.drop_table("performed_step")
