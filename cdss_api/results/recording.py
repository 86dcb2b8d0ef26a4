"""Results in the record, kept as their rows are; in the caller's transaction."""

from __future__ import annotations

import json

from cdss_api.accounts.recording import Actor
from cdss_api.fhir.keeping import current, keep
from cdss_api.fhir.moment import instant, micros_of
from cdss_api.fhir.store import Store, Stored
from cdss_api.reading.people import practitioner_for
from cdss_api.results.models import ResultRow
from cdss_api.results.resources import Standing, Told, device_of, report_id, resources_of
from neuronova.contract.reading_inference import read_result
from neuronova.contract.roles import Role

ACTOR = Actor(subject="service:ai", role=Role.SERVICE)


def standing_of(row: ResultRow) -> Standing:
    """Return what holds of a result."""
    if row.withdrawn_at is not None:
        return Standing.WITHDRAWN
    return Standing(row.verdict) if row.verdict is not None else Standing.OPEN


def record(store: Store, row: ResultRow) -> Stored | None:
    """Bring a result's resources to what its row says, and return the report.

    Without an ImagingStudy there is no place for them, and None is returned.
    """
    study = None if row.imaging_study is None else current(store, "ImagingStudy", row.imaging_study)
    if study is None:
        return None
    result = read_result(json.loads(row.body))
    judge = practitioner_for(store, row.judged_by) if row.judged_by is not None else None
    told = Told(
        job_key=row.job_key,
        result=result,
        study=study,
        series=row.series,
        made=instant(micros_of(row.made_at)),
        standing=standing_of(row),
        judge=judge,
        judged=_instant(row.withdrawn_at or row.judged_at),
        reason=row.verdict_reason or "",
    )
    for document in (device_of(result.model, result.limits), *resources_of(told)):
        keep(store, document)
    return store.read("DiagnosticReport", report_id(row.job_key))


def _instant(at: float | None) -> str | None:
    return None if at is None else instant(micros_of(at))
