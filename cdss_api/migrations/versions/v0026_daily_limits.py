"""How much a modality may store in a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version."""
    op.add_column("modality", sa.Column("daily_mib", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_column("modality", "daily_mib")
