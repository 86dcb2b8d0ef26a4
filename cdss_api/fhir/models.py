"""The tables of the store: resources, all their versions, and what they are found by."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Double, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base, Number

# Compared byte by byte, so that an index serves what a text begins with.
Bytewise = Text().with_variant(Text(collation="C"), "postgresql")

LONG_SPAN = 2 * 86_400_000_000  # microseconds
IS_LONG = f"high > low + {LONG_SPAN}"  # of a date, as an index of these few has it


class Resource(Base):
    """A resource as it now is; `number` is our own, for the index."""

    __tablename__ = "fhir_resource"
    __table_args__ = (
        UniqueConstraint("kind", "logical_id"),
        Index("fhir_resource_updated", "kind", "updated", "number"),
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    logical_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    updated: Mapped[int] = mapped_column(BigInteger)  # microseconds since the epoch, UTC
    deleted: Mapped[bool] = mapped_column(Boolean)


class Version(Base):
    """One version's text; a deletion is a version without one."""

    __tablename__ = "fhir_version"

    number: Mapped[int] = mapped_column(ForeignKey("fhir_resource.number"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    updated: Mapped[int] = mapped_column(BigInteger, index=True)
    method: Mapped[str] = mapped_column(String(8))  # of HTTP, as a history tells it
    author: Mapped[str] = mapped_column(String(300))
    body: Mapped[str | None] = mapped_column(Text)


class Compartment(Base):
    """Whose record a resource is in: the id of a Patient, and whether it is the only one."""

    __tablename__ = "fhir_compartment"
    __table_args__ = (
        Index("fhir_compartment_patient", "patient", "number"),
        Index("fhir_compartment_shared", "sole", "patient", "number"),
    )

    number: Mapped[int] = mapped_column(ForeignKey("fhir_resource.number"), primary_key=True)
    patient: Mapped[str] = mapped_column(String(64), primary_key=True)
    sole: Mapped[bool] = mapped_column(Boolean)


class Identity(Base):
    """Who a Patient is to images: PatientID and issuer, from its identifiers."""

    __tablename__ = "fhir_identity"
    __table_args__ = (Index("fhir_identity_whom", "patient_id", "issuer", "patient"),)

    patient: Mapped[str] = mapped_column(String(64), primary_key=True)
    patient_id: Mapped[str] = mapped_column(Bytewise, primary_key=True)
    issuer: Mapped[str] = mapped_column(Bytewise, primary_key=True)


class _Value:
    """What all index rows have: of which resource, and of which search parameter of its type."""

    row: Mapped[int] = mapped_column(Number, primary_key=True)
    number: Mapped[int] = mapped_column(ForeignKey("fhir_resource.number"), index=True)
    kind: Mapped[str] = mapped_column(String(64))
    code: Mapped[str] = mapped_column(String(64))


class StringValue(_Value, Base):
    """A string that a resource is found by."""

    __tablename__ = "fhir_string"
    __table_args__ = (Index("fhir_string_folded", "kind", "code", "folded"),)

    folded: Mapped[str] = mapped_column(Bytewise)
    exact: Mapped[str] = mapped_column(Bytewise)


class TokenValue(_Value, Base):
    """A token or URI that a resource is found by."""

    __tablename__ = "fhir_token"
    __table_args__ = (Index("fhir_token_value", "kind", "code", "value", "system"),)

    system: Mapped[str] = mapped_column(Bytewise)
    value: Mapped[str] = mapped_column(Bytewise)


class DateValue(_Value, Base):
    """A span of time that a resource is found by."""

    __tablename__ = "fhir_date"
    __table_args__ = (
        Index("fhir_date_span", "kind", "code", "low", "high"),
        Index("fhir_date_long", "kind", "code", "low", postgresql_where=text(IS_LONG), sqlite_where=text(IS_LONG)),
    )

    low: Mapped[int] = mapped_column(BigInteger)
    high: Mapped[int] = mapped_column(BigInteger)


class QuantityValue(_Value, Base):
    """An amount that a resource is found by."""

    __tablename__ = "fhir_quantity"
    __table_args__ = (Index("fhir_quantity_span", "kind", "code", "low", "high"),)

    low: Mapped[float] = mapped_column(Double)
    high: Mapped[float] = mapped_column(Double)
    system: Mapped[str] = mapped_column(Bytewise)
    unit: Mapped[str] = mapped_column(Bytewise)


class ReferenceValue(_Value, Base):
    """A reference that a resource is found by."""

    __tablename__ = "fhir_reference"
    __table_args__ = (Index("fhir_reference_target", "kind", "code", "target_id", "target_kind"),)

    target_kind: Mapped[str] = mapped_column(String(64))
    target_id: Mapped[str] = mapped_column(String(64))
    url: Mapped[str] = mapped_column(Bytewise)


class Watch(Base):
    """An active Subscription: which type it watches, for what, and in whose place."""

    __tablename__ = "fhir_watch"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)  # of the Subscription
    kind: Mapped[str] = mapped_column(String(64), index=True)
    criteria: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(300))
