"""The language of an account's pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version."""
    op.add_column("account", sa.Column("language", sa.String(length=16), nullable=True))


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_column("account", "language")
