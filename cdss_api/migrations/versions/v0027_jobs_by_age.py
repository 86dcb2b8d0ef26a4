"""Jobs by when they were made: what the pages count is the last days."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version."""
    op.create_index("job_created", "job", ["created_at"])


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_index("job_created", "job")
