"""Studies that are read earlier because a model found what may be critical: never later than their orders ask."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from cdss_api.fhir.linked import chunks
from cdss_api.results import wording
from cdss_api.results.models import ResultRow
from cdss_api.results.resources import Standing
from neuronova.contract.reading_inference import read_result

RAISED_TO = "urgent"  # FHIR R4, request-priority


def raised(imaging_study: Any) -> ColumnElement[bool]:
    """Return the condition under which an ImagingStudy, by its id, is raised."""
    return exists().where(ResultRow.imaging_study == imaging_study, _holds())


def critical_findings(session: Session, studies: Iterable[str]) -> Mapping[str, list[str]]:
    """Return what raises studies, in words, by the ids of the ImagingStudies."""
    found: dict[str, list[str]] = {}
    for some in chunks(studies):
        rows = select(ResultRow).where(ResultRow.imaging_study.in_(some), _holds()).order_by(ResultRow.number)
        for row in session.scalars(rows):
            result = read_result(json.loads(row.body))
            words = found.setdefault(str(row.imaging_study), [])
            words += [wording.found(one) for one in result.findings if one.critical]
    return found


def _holds() -> ColumnElement[bool]:
    return and_(
        ResultRow.critical,
        ResultRow.published_at.is_not(None),
        ResultRow.withdrawn_at.is_(None),
        ResultRow.verdict.is_distinct_from(Standing.REJECTED.value),
    )
