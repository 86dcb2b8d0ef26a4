"""The stored studies, the newest first, from what the plugin told of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from cdss_api.fhir.models import Resource, Version
from cdss_api.holds.holding import keeps
from cdss_api.imaging.models import Study

MOST_COUNTED = 1000  # studies: to count years of them takes as long as reading them


@dataclass(frozen=True, kw_only=True, slots=True)
class Sought:
    """Which studies: exact PatientID and AccessionNumber, and when they came (microseconds, `until` not included)."""

    patient_id: str | None = None
    accession: str | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 25
    offset: int = 0


def listed(session: Session, sought: Sought) -> tuple[list[dict[str, Any]], int]:
    """Return a page of the studies, and how many fit in all, as far as they are counted (`MOST_COUNTED`)."""
    conditions: list[ColumnElement[bool]] = [Study.sent.is_not(None)]
    if sought.patient_id is not None:
        conditions.append(Study.patient_id == sought.patient_id)
    if sought.accession is not None:
        conditions.append(Study.accession == sought.accession)
    if sought.since is not None:
        conditions.append(Version.updated >= sought.since)
    if sought.until is not None:
        conditions.append(Version.updated < sought.until)
    fitting = (
        select(Study.logical_id, Study.sent, Version.updated, keeps(Study))
        .join(Resource, and_(Resource.kind == "ImagingStudy", Resource.logical_id == Study.logical_id))
        .join(Version, and_(Version.number == Resource.number, Version.version == 1))
        .where(*conditions)
    )
    timed = sought.since is not None or sought.until is not None
    counted = (fitting if timed else select(Study.study_uid).where(*conditions)).limit(MOST_COUNTED).subquery()
    total = session.scalar(select(func.count()).select_from(counted)) or 0
    page = fitting.order_by(Version.updated.desc(), Version.number.desc()).limit(sought.limit).offset(sought.offset)
    found = session.execute(page)
    return [_row(logical_id, json.loads(sent or "{}"), came, held) for logical_id, sent, came, held in found], total


def orthanc_of(session: Session, logical_id: str) -> str | None:
    """Return Orthanc's identifier of a study, None where it is not stored."""
    sent = session.scalar(select(Study.sent).where(Study.logical_id == logical_id, Study.sent.is_not(None)))
    return None if sent is None else str(json.loads(sent)["orthanc"])


def _row(logical_id: str, sent: dict[str, Any], came: int, held: bool) -> dict[str, Any]:
    series = sent["series"]
    return {
        "id": logical_id,
        "orthanc": sent["orthanc"],
        "study": sent["study"],
        "patient_id": sent["patient_id"],
        "issuer": sent["issuer"],
        "patient_name": sent["patient_name"],
        "accession_number": sent["accession_number"],
        "description": sent["description"],
        "date": sent["date"],
        "modalities": sorted({one["modality"] for one in series if one["modality"]}),
        "instances": sum(one["instances"] for one in series),
        "came": came / 1_000_000,
        "held": bool(held),
    }
