"""Corrections that run in the background, and merges of patients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "imaging_correction",
        sa.Column("correction_id", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("part_id", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("moves", sa.JSON(), nullable=False),
        sa.Column("keeps", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=300), nullable=True),
        sa.Column("runner", sa.String(length=64), nullable=True),
        sa.Column("begun", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("correction_id"),
    )
    op.create_index("ix_imaging_correction_part_id", "imaging_correction", ["part_id"])
    op.create_table(
        "imaging_correcting",
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("correction_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("patient_id"),
    )
    op.create_index("ix_imaging_correcting_correction_id", "imaging_correcting", ["correction_id"])
    op.create_table(
        "merge",
        sa.Column("merge_id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("written", sa.JSON(), nullable=False),
        sa.Column("studies", sa.JSON(), nullable=False),
        sa.Column("correction_id", sa.String(length=64), nullable=True),
        sa.Column("made", sa.Double(), nullable=False),
        sa.Column("made_by", sa.String(length=300), nullable=False),
        sa.Column("decided", sa.Double(), nullable=True),
        sa.Column("decided_by", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("merge_id"),
    )
    op.create_index("merge_state", "merge", ["state", "made"])
    op.create_index("ix_merge_source", "merge", ["source"])
    op.create_index("ix_merge_target", "merge", ["target"])
