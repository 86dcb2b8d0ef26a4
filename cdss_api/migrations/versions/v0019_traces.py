"""Which trace a job and a message go on in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version."""
    op.add_column("job", sa.Column("span_id", sa.String(length=16), nullable=True))
    op.add_column("job", sa.Column("parent_id", sa.String(length=16), nullable=True))
    op.add_column("outbox_message", sa.Column("traceparent", sa.String(length=55), nullable=True))


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_column("outbox_message", "traceparent")
    op.drop_column("job", "parent_id")
    op.drop_column("job", "span_id")
