"""Which studies may wait for a report; indexes for long spans of time and for the studies of a patient."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# Those that no signed report names; one that is signed by its order is among them, and is passed over by whoever reads.
_OPEN = sa.text(
    "INSERT INTO reading_open (number) SELECT study.number FROM fhir_resource AS study"
    " WHERE study.kind = 'ImagingStudy' AND NOT study.deleted AND NOT EXISTS ("
    " SELECT 1 FROM fhir_token AS own"
    " JOIN fhir_token AS named ON named.kind = 'DiagnosticReport' AND named.code = 'identifier'"
    " AND named.value = own.value AND named.system = 'urn:neuronova:report-of'"
    " JOIN fhir_token AS status ON status.number = named.number AND status.code = 'status'"
    " WHERE own.number = study.number AND own.code = 'identifier' AND own.system = 'urn:dicom:uid'"
    " AND status.value IN ('final', 'amended', 'corrected', 'appended'))"
)


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "reading_open",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["number"], ["fhir_resource.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    op.execute(_OPEN)
    op.create_index("imaging_study_patient", "imaging_study", ["patient_id"])
    op.create_index("imaging_study_logical_id", "imaging_study", ["logical_id"])
    long = sa.text("high > low + 172800000000")
    op.create_index("fhir_date_long", "fhir_date", ["kind", "code", "low"], postgresql_where=long, sqlite_where=long)


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_index("fhir_date_long", "fhir_date")
    op.drop_index("imaging_study_logical_id", "imaging_study")
    op.drop_index("imaging_study_patient", "imaging_study")
    op.drop_table("reading_open")
