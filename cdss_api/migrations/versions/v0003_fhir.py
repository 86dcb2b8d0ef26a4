"""Clinical records: resources, their versions, and what they are found by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "fhir_resource",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("logical_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("kind", "logical_id"),
    )
    op.create_index("fhir_resource_updated", "fhir_resource", ["kind", "updated", "number"])
    op.create_table(
        "fhir_version",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("author", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["number"], ["fhir_resource.number"]),
        sa.PrimaryKeyConstraint("number", "version"),
    )
    op.create_index("ix_fhir_version_updated", "fhir_version", ["updated"])
    op.create_table(
        "fhir_compartment",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("sole", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["fhir_resource.number"]),
        sa.PrimaryKeyConstraint("number", "patient"),
    )
    op.create_index("fhir_compartment_patient", "fhir_compartment", ["patient", "number"])
    op.create_index("fhir_compartment_shared", "fhir_compartment", ["sole", "patient", "number"])
    op.create_table(
        "fhir_identity",
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("patient_id", _BYTEWISE, nullable=False),
        sa.Column("issuer", _BYTEWISE, nullable=False),
        sa.PrimaryKeyConstraint("patient", "patient_id", "issuer"),
    )
    op.create_index("fhir_identity_whom", "fhir_identity", ["patient_id", "issuer", "patient"])
    _values("string", "folded", ["folded"], _text("folded"), _text("exact"))
    _values("token", "value", ["value", "system"], _text("system"), _text("value"))
    _values("date", "span", ["low", "high"], _column("low", sa.BigInteger()), _column("high", sa.BigInteger()))
    _values(
        "quantity",
        "span",
        ["low", "high"],
        _column("low", sa.Double()),
        _column("high", sa.Double()),
        _text("system"),
        _text("unit"),
    )
    _values(
        "reference",
        "target",
        ["target_id", "target_kind"],
        _column("target_kind", sa.String(length=64)),
        _column("target_id", sa.String(length=64)),
        _text("url"),
    )


def _values(name: str, index: str, indexed: list[str], *columns: sa.Column[Any]) -> None:
    table = f"fhir_{name}"
    op.create_table(
        table,
        sa.Column("row", _NUMBER, nullable=False),
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["number"], ["fhir_resource.number"]),
        sa.PrimaryKeyConstraint("row"),
    )
    op.create_index(f"{table}_{index}", table, ["kind", "code", *indexed])
    op.create_index(f"ix_{table}_number", table, ["number"])


def _text(name: str) -> sa.Column[Any]:
    return _column(name, _BYTEWISE)


def _column(name: str, of: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, of, nullable=False)
