"""The tables of imaging: what Orthanc told of each study, which study an order plans, and what did not fit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Double, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from cdss_api.database import Base

_UID = String(255)  # as a sender wrote it
_LOGICAL_ID = String(64)
_STORED = text("sent IS NOT NULL")


class Study(Base):
    """A study under one patient, as it was told last; without `sent` it was deleted. Times are seconds (epoch)."""

    __tablename__ = "imaging_study"
    __table_args__ = (
        Index("imaging_study_accession", "accession"),
        Index("imaging_study_patient", "patient_id"),
        Index("imaging_study_logical_id", "logical_id"),
        Index("imaging_study_arrived", "arrived", postgresql_where=_STORED, sqlite_where=_STORED),
        Index("imaging_study_dated", "dated", postgresql_where=_STORED, sqlite_where=_STORED),
    )

    study_uid: Mapped[str] = mapped_column(_UID, primary_key=True)
    patient_id: Mapped[str] = mapped_column(_UID, primary_key=True)
    issuer: Mapped[str] = mapped_column(_UID, primary_key=True)
    logical_id: Mapped[str] = mapped_column(_LOGICAL_ID)  # of its ImagingStudy
    writer: Mapped[str] = mapped_column(String(64))
    sequence: Mapped[int] = mapped_column(BigInteger)
    accession: Mapped[str] = mapped_column(_UID)
    sent: Mapped[str | None] = mapped_column(Text)  # a contract's StudyChanged as JSON
    arrived: Mapped[float] = mapped_column(Double)  # for the first time, or again after it was deleted
    dated: Mapped[float | None] = mapped_column(Double)  # the end of its StudyDate in UTC: it is never older


class Planned(Base):
    """The StudyInstanceUID that an order gives its study where it names none; it cannot be worked out backwards."""

    __tablename__ = "imaging_planned"

    study_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    order_id: Mapped[str] = mapped_column(_LOGICAL_ID)


class Mismatch(Base):
    """A study that names an order and does not fit it. Times are seconds since the epoch."""

    __tablename__ = "imaging_mismatch"
    __table_args__ = (
        Index("imaging_mismatch_study", "study_uid", "patient_id", "issuer"),
        Index("imaging_mismatch_state", "state", "found"),
    )

    mismatch_id: Mapped[str] = mapped_column(_LOGICAL_ID, primary_key=True)
    study_uid: Mapped[str] = mapped_column(_UID)
    patient_id: Mapped[str] = mapped_column(_UID)
    issuer: Mapped[str] = mapped_column(_UID)
    order_id: Mapped[str] = mapped_column(_LOGICAL_ID)
    reason: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    orthanc: Mapped[str] = mapped_column(_LOGICAL_ID)  # Orthanc's identifier of the study
    sent: Mapped[dict[str, Any]] = mapped_column(JSON)  # DICOM keywords to values as they came
    ordered: Mapped[dict[str, Any]] = mapped_column(JSON)
    instances: Mapped[list[str] | None] = mapped_column(JSON)  # SOPInstanceUIDs that were corrected
    found: Mapped[float] = mapped_column(Double)
    decided: Mapped[float | None] = mapped_column(Double)
    decided_by: Mapped[str | None] = mapped_column(String(300))


class Correction(Base):
    """Studies that are being given to another patient in the archive, a piece at a time. Times are seconds (epoch).

    `part` and `part_id` name what it is done for, a mismatch or a merge, and `decision` what of that. Whoever carries
    it out writes itself as `runner` first, and stops when somebody else has.
    """

    __tablename__ = "imaging_correction"

    correction_id: Mapped[str] = mapped_column(_LOGICAL_ID, primary_key=True)
    part: Mapped[str] = mapped_column(String(16))
    part_id: Mapped[str] = mapped_column(_LOGICAL_ID, index=True)
    decision: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    moves: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # of correcting.Move
    keeps: Mapped[bool]  # whether the originals stay until somebody confirms
    total: Mapped[int]  # objects, 0 as long as they are not counted
    done: Mapped[int]
    problem: Mapped[str | None] = mapped_column(String(300))
    runner: Mapped[str | None] = mapped_column(String(64))
    begun: Mapped[float] = mapped_column(Double)
    ended: Mapped[float | None] = mapped_column(Double)


class Correcting(Base):
    """A PatientID whose studies are being corrected: the key lets no second correction begin, on any machine.

    The issuer is not part of it, for Orthanc's own identifiers do not know it.
    """

    __tablename__ = "imaging_correcting"

    patient_id: Mapped[str] = mapped_column(_UID, primary_key=True)
    correction_id: Mapped[str] = mapped_column(_LOGICAL_ID, index=True)
