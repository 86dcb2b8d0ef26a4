"""A job as a span: its name is in its row from the beginning, for what it leads to, and it is recorded when it ends."""

from __future__ import annotations

import secrets

from cdss_api.jobs.models import Job
from cdss_api.jobs.states import State
from neuronova.contract.trace import TraceContext
from neuronova.telemetry.spans import Kind, Open, record


def context_of(job: Job) -> TraceContext:
    """Return a job's span; where its row is older than that, a new one of its trace."""
    return TraceContext(job.trace_id, job.span_id or new_span())


def new_span() -> str:
    """Return a name for another run's span."""
    return secrets.token_hex(8)


def record_ended(job: Job, ended: float) -> None:
    """Record a run that has ended: the first from when it was asked for, another from when the service got it."""
    opened = Open(context_of(job), "job")
    opened.add(job=job.job_key, run=job.run, attempts=job.attempts, rule=job.rule, model=job.model, series=job.orthanc)
    opened.add(state=job.state, reason=job.reason)
    if job.state in (State.FAILED_PERMANENT, State.CANCELLED):
        opened.fail(job.reason or job.state)
    parent = None if job.parent_id is None else TraceContext(job.trace_id, job.parent_id)
    began = job.created_at if job.run == 1 else job.submitted_at or ended
    record(opened.ended(parent, began, ended, Kind.INTERNAL))
