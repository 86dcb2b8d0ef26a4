"""What the routes of jobs take and answer."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from cdss_api.jobs.models import Job
from cdss_api.jobs.states import State
from neuronova.contract.priority import Priority

_Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Uid = Annotated[str, StringConstraints(pattern=r"^[0-9.]{1,64}$")]


class JobsQuery(BaseModel):
    """Which jobs; `before` is the `number` of the last one of the page before."""

    state: State | None = None
    rule: _Name | None = None
    model: _Name | None = None
    study: _Uid | None = None
    patient_id: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    before: int | None = Field(None, ge=1, lt=1 << 53)
    count: int = Field(50, ge=1, le=200)


class JobPath(BaseModel):
    """Which job."""

    job_key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class JobEntry(BaseModel):
    """A job; times in seconds since the epoch, `seconds` is what the model took."""

    id: str
    number: int
    rule: str
    model: str
    model_version: str
    digest: str
    study: str
    series: str
    patient_id: str
    issuer: str
    accession: str
    modality: str
    instances: int
    priority: Priority
    state: State
    reason: str | None
    detail: str | None
    run: int
    attempts: int
    waits: bool = Field(description="It is not with the inference service yet.")
    trace_id: str
    created_at: float
    submitted_at: float | None
    started_at: float | None
    ended_at: float | None
    seconds: float | None


class JobsAnswer(BaseModel):
    """The newest first; `more` where there may be others."""

    jobs: list[JobEntry]
    more: bool


class JobAnswer(JobEntry):
    """A job with its result, as the contract of the inference service has it."""

    result: dict[str, Any] | None


def shown(job: Job) -> dict[str, Any]:
    """Return the members of a `JobEntry`."""
    more = {"id": job.job_key, "waits": job.state == State.QUEUED and job.message is None}
    return {name: getattr(job, name) for name in JobEntry.model_fields if name not in more} | more
