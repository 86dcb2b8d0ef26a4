"""When studies arrived, and the day they are of: retention looks for the old ones and not at all of them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_AT_ONCE = 1000
_STORED = sa.text("sent IS NOT NULL")
_KEY = "study_uid, patient_id, issuer"
# What an ImagingStudy was first written for is the arrival. One that a merge has not yet written arrives now: by its
# age alone, nothing may leave.
_ARRIVED = sa.text(
    "UPDATE imaging_study SET arrived = coalesce((SELECT version.updated / 1000000.0 FROM fhir_resource AS resource"
    " JOIN fhir_version AS version ON version.number = resource.number AND version.version = 1"
    " WHERE resource.kind = 'ImagingStudy' AND resource.logical_id = imaging_study.logical_id), :now)"
)
_NEXT = sa.text(
    f"SELECT {_KEY}, sent FROM imaging_study"  # noqa: S608 - our own words
    f" WHERE sent IS NOT NULL AND ({_KEY}) > (:study_uid, :patient_id, :issuer) ORDER BY {_KEY} LIMIT :most"
)
_DATED = sa.text(
    "UPDATE imaging_study SET dated = :dated"
    " WHERE study_uid = :study_uid AND patient_id = :patient_id AND issuer = :issuer"
)


def upgrade() -> None:
    """Go to this version."""
    op.add_column("imaging_study", sa.Column("arrived", sa.Double))
    op.add_column("imaging_study", sa.Column("dated", sa.Double))
    op.execute(_ARRIVED.bindparams(now=time.time()))
    _date_all(op.get_bind())
    with op.batch_alter_table("imaging_study") as table:
        table.alter_column("arrived", existing_type=sa.Double(), nullable=False)
    for column in ("arrived", "dated"):
        name = f"imaging_study_{column}"
        op.create_index(name, "imaging_study", [column], postgresql_where=_STORED, sqlite_where=_STORED)


def _date_all(connection: sa.Connection) -> None:
    last = {"study_uid": "", "patient_id": "", "issuer": ""}
    while rows := connection.execute(_NEXT, last | {"most": _AT_ONCE}).all():
        keys = [{"study_uid": row[0], "patient_id": row[1], "issuer": row[2]} for row in rows]
        dated = [key | {"dated": _end_of_day(json.loads(row[3])["date"])} for key, row in zip(keys, rows, strict=True)]
        connection.execute(_DATED, dated)
        last = keys[-1]


def _end_of_day(day: str) -> float | None:
    try:
        return datetime.strptime(day.replace(".", ""), "%Y%m%d").replace(tzinfo=UTC).timestamp() + 86400
    except ValueError:
        return None


def downgrade() -> None:
    """Go back to the version before."""
    for column in ("arrived", "dated"):
        op.drop_index(f"imaging_study_{column}", "imaging_study")
        op.drop_column("imaging_study", column)
