"""What the routes of results take and answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from cdss_api.input import Input
from cdss_api.results import wording
from cdss_api.results.models import ResultRow
from cdss_api.results.recording import standing_of
from cdss_api.results.resources import Standing, report_id
from cdss_api.results.wording import NOT_FOR_DIAGNOSIS
from neuronova.contract.reading_inference import read_result

_Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ResultsQuery(Input):
    """Which results; `before` is the `number` of the last one of the page before."""

    study: Annotated[str, StringConstraints(pattern=r"^[0-9.]{1,64}$")] | None = None
    rule: _Name | None = None
    model: _Name | None = None
    digest: _Hash | None = None
    input_hash: _Hash | None = None
    standing: Standing | None = None
    before: int | None = Field(None, ge=1, lt=1 << 53)
    count: int = Field(50, ge=1, le=200)


class ResultPath(Input):
    """Which result, by the id of its job."""

    job_key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class VerdictBody(Input):
    """What a radiologist says of a result; one that is rejected needs a reason."""

    verdict: Literal["accepted", "rejected"]
    reason: Annotated[str, StringConstraints(max_length=2000)] = ""


class ResultShown(BaseModel):
    """A result; times in seconds since the epoch, UIDs of the objects beside the images."""

    job: str
    number: int
    rule: str
    model: str
    model_version: str
    digest: str
    study: str
    series: str
    patient_id: str
    issuer: str
    input_hash: str
    segmentation_uid: str | None
    measurements_uid: str
    text_uid: str
    diagnostic_report: str | None = Field(description="Its resource in the record.")
    warning: str
    critical: bool
    lines: list[str] = Field(description="What the model says, a line each.")
    limits: list[str]
    seconds: float
    made_at: float
    standing: Standing
    reason: str | None
    judged_by: str | None = Field(description="An account.")
    judge: str | None = Field(description="Its name.")
    judged_at: float | None


class ResultsAnswer(BaseModel):
    """The newest first; `more` where there may be others."""

    results: list[ResultShown]
    more: bool


def shown(row: ResultRow, names: Mapping[str, str]) -> ResultShown:
    """Return a result as it is answered; `names` are those of accounts."""
    result = read_result(json.loads(row.body))
    same: dict[str, Any] = {
        name: getattr(row, name)
        for name in ResultShown.model_fields
        if name != "job" and name in ResultRow.__table__.columns  # what is kept and shown under one name
    }
    return ResultShown(
        **same,
        job=row.job_key,
        diagnostic_report=None if row.imaging_study is None else f"DiagnosticReport/{report_id(row.job_key)}",
        warning=NOT_FOR_DIAGNOSIS,
        lines=wording.summary(result),
        limits=list(result.limits),
        seconds=result.seconds,
        standing=standing_of(row),
        reason=row.verdict_reason,
        judge=None if row.judged_by is None else names.get(row.judged_by, row.judged_by),
    )
