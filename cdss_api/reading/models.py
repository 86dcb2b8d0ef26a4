"""The tables of the reading list: the words that it is searched for, and the studies that may be on it."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base
from cdss_api.fhir.models import Bytewise


class Words(Base):
    """What a person calls a Patient, an ImagingStudy or a ServiceRequest: its own words alone, folded."""

    __tablename__ = "reading_words"
    __table_args__ = (Index("reading_words_kind", "kind", "number"),)

    number: Mapped[int] = mapped_column(ForeignKey("fhir_resource.number"), primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(64))
    folded: Mapped[str] = mapped_column(Bytewise)


class Open(Base):
    """An ImagingStudy that may wait for a report; one that waits is always here."""

    __tablename__ = "reading_open"

    number: Mapped[int] = mapped_column(ForeignKey("fhir_resource.number"), primary_key=True, autoincrement=False)
