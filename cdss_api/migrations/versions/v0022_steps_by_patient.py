"""Performed procedure steps are found by their patient, as an order of theirs comes."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version."""
    op.create_index("performed_step_whom", "performed_step", ["patient_id", "issuer"])


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_index("performed_step_whom", "performed_step")
