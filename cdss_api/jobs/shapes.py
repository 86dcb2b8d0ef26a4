"""What the routes of jobs take and answer."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from cdss_api.input import Input
from cdss_api.jobs.models import Job
from cdss_api.jobs.states import State
from neuronova.contract.priority import Priority

_Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Uid = Annotated[str, StringConstraints(pattern=r"^[0-9.]{1,64}$")]


class JobsQuery(Input):
    """Which jobs; `before` is the `number` of the last one of the page before."""

    state: State | None = None
    rule: _Name | None = None
    model: _Name | None = None
    study: _Uid | None = None
    patient_id: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    before: int | None = Field(None, ge=1, lt=1 << 53)
    count: int = Field(50, ge=1, le=200)


class JobPath(Input):
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


class StateEntry(BaseModel):
    """How many jobs are in a state, and how old the oldest of those is that have not ended."""

    state: State
    count: int
    oldest_seconds: float | None


class FailureEntry(BaseModel):
    """How many jobs of the last seven days have no result for one reason."""

    model: str
    state: State
    reason: str | None
    count: int


class ModelEntry(BaseModel):
    """A model, and the seconds that it took in the last seven days (of at most its newest 1000 results)."""

    model: str
    version: str | None
    deadline: float | None
    count: int
    median: float | None
    p95: float | None


class ServiceEntry(BaseModel):
    """The inference service as the breaker of its target sees it; `seen_at` is when it told its models last."""

    breaker: str
    failures: int
    until: float | None
    seen_at: float | None


class OverviewAnswer(BaseModel):
    """How the queue stands; `changed` is another text as soon as the list of jobs may be another."""

    states: list[StateEntry]
    in_flight: int
    most_in_flight: int
    failures: list[FailureEntry]
    models: list[ModelEntry]
    service: ServiceEntry
    changed: str


def shown(job: Job) -> dict[str, Any]:
    """Return the members of a `JobEntry`."""
    more = {"id": job.job_key, "waits": job.state == State.QUEUED and job.message is None}
    return {name: getattr(job, name) for name in JobEntry.model_fields if name not in more} | more
