"""The words by which the reading list is searched; those of the records that there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cdss_api.fhir.document import read
from cdss_api.reading.words import KINDS, words_of

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None

_BATCH = 1000
_KNOWN = sa.text(
    "SELECT resource.number, resource.kind, version.body FROM fhir_resource AS resource"
    " JOIN fhir_version AS version ON version.number = resource.number AND version.version = resource.version"
    " WHERE resource.number > :after AND resource.kind IN :kinds AND version.body IS NOT NULL"
    " ORDER BY resource.number LIMIT :most"
).bindparams(sa.bindparam("kinds", expanding=True))


def upgrade() -> None:
    """Go to this version."""
    table = op.create_table(
        "reading_words",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("folded", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["fhir_resource.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("reading_words_kind", "reading_words", ["kind", "number"])
    after = 0
    while rows := op.get_bind().execute(_KNOWN, {"after": after, "kinds": KINDS, "most": _BATCH}).all():
        found = [{"number": one.number, "kind": one.kind, "folded": words_of(read(one.body))} for one in rows]
        op.bulk_insert(table, [one for one in found if one["folded"]])
        after = rows[-1].number
