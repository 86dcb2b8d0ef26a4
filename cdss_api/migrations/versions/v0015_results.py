"""Results of models, and what radiologists say of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "result",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("job", _NUMBER, nullable=False),
        sa.Column("job_key", sa.String(length=32), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("orthanc", sa.String(length=255), nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("series", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("input_hash", sa.String(length=64), nullable=False),
        sa.Column("imaging_study", sa.String(length=64), nullable=True),
        sa.Column("segmentation_uid", sa.String(length=64), nullable=True),
        sa.Column("measurements_uid", sa.String(length=64), nullable=False),
        sa.Column("text_uid", sa.String(length=64), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("published_at", sa.Double(), nullable=True),
        sa.Column("withdrawn_at", sa.Double(), nullable=True),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column("verdict_reason", sa.Text(), nullable=True),
        sa.Column("judged_by", sa.String(length=64), nullable=True),
        sa.Column("judged_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["job"], ["job.number"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("job"),
        sa.UniqueConstraint("job_key"),
    )
    op.create_index("result_study", "result", ["study"])
    op.create_index("result_imaging_study", "result", ["imaging_study"])
    op.create_index("result_digest", "result", ["model", "digest"])
