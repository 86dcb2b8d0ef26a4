"""Series on their way to other application entities."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "forward",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("destination", sa.String(length=16), nullable=False),
        sa.Column("orthanc", sa.String(length=255), nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("series", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("input_hash", sa.String(length=64), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("message", sa.BigInteger(), nullable=True),
        sa.Column("job", sa.String(length=64), nullable=True),
        sa.Column("files", sa.Text(), nullable=True),
        sa.Column("sent", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("rule", "destination", "orthanc", "input_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("forward_series", "forward", ["orthanc", "destination"])


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_table("forward")
