"""Studies that Orthanc told of, and what did not fit its order."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STUDIES = uuid.UUID("5b0d6f0c-2d0e-4f6b-9a55-1f4f1b1a7f5e")


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "imaging_study",
        sa.Column("study_uid", sa.String(length=255), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("logical_id", sa.String(length=64), nullable=False),
        sa.Column("writer", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("accession", sa.String(length=255), nullable=False),
        sa.Column("sent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("study_uid", "patient_id", "issuer"),
    )
    op.create_index("imaging_study_accession", "imaging_study", ["accession"])
    planned = op.create_table(
        "imaging_planned",
        sa.Column("study_uid", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("study_uid"),
    )
    orders = sa.text("SELECT logical_id FROM fhir_resource WHERE kind = 'ServiceRequest'")
    rows = [
        {"study_uid": f"2.25.{uuid.uuid5(_STUDIES, order).int}", "order_id": order}
        for order in op.get_bind().execute(orders).scalars()
    ]
    if rows:
        op.bulk_insert(planned, rows)
    op.create_table(
        "imaging_mismatch",
        sa.Column("mismatch_id", sa.String(length=64), nullable=False),
        sa.Column("study_uid", sa.String(length=255), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("orthanc", sa.String(length=64), nullable=False),
        sa.Column("sent", sa.JSON(), nullable=False),
        sa.Column("ordered", sa.JSON(), nullable=False),
        sa.Column("instances", sa.JSON(), nullable=True),
        sa.Column("found", sa.Double(), nullable=False),
        sa.Column("decided", sa.Double(), nullable=True),
        sa.Column("decided_by", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("mismatch_id"),
    )
    op.create_index("imaging_mismatch_study", "imaging_mismatch", ["study_uid", "patient_id", "issuer"])
    op.create_index("imaging_mismatch_state", "imaging_mismatch", ["state", "found"])
