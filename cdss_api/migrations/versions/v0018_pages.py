"""What pages know of an account: its language, and its last login, which logins themselves do not outlive."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version."""
    op.add_column("account", sa.Column("language", sa.String(length=16), nullable=True))
    op.add_column("account", sa.Column("last_login", sa.Double(), nullable=True))
    last = "SELECT max(created_at) FROM login WHERE login.account_id = account.account_id"
    op.execute(sa.text(f"UPDATE account SET last_login = ({last})"))  # noqa: S608 - nothing of it comes from outside


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_column("account", "last_login")
    op.drop_column("account", "language")
