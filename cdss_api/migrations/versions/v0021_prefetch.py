"""Priors that are fetched from other archives."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "prefetch",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("archive", sa.String(length=16), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("asked", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("message", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("order_id", "rule"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "prior",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("prefetch", _NUMBER, nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("date", sa.String(length=8), nullable=False),
        sa.Column("description", sa.String(length=64), nullable=False),
        sa.Column("modalities", sa.String(length=255), nullable=False),
        sa.Column("images", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("job", sa.String(length=64), nullable=True),
        sa.Column("as_prior", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["prefetch"], ["prefetch.number"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("prefetch", "study"),
        sqlite_autoincrement=True,
    )
    op.create_index("prior_study", "prior", ["study"])


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_table("prior")
    op.drop_table("prefetch")
