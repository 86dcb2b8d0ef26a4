"""From one state to the next: every change of a job goes through here, under one lock."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from cdss_api.jobs.models import LONGEST_DETAIL, Job
from cdss_api.jobs.states import OPEN, State, before
from cdss_api.jobs.tracing import new_span, record_ended
from neuronova.contract.priority import Priority

# Seconds by which a job counts as older than it is: what waits long enough is overtaken no more.
HEAD_START = {Priority.STAT: 3600.0, Priority.ASAP: 1200.0, Priority.URGENT: 600.0, Priority.ROUTINE: 0.0}
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('neuronova jobs', 0))")


def lock(session: Session) -> None:
    """Let no other transaction change a job until this one ends; taken before anything is read."""
    # On SQLite transactions that write are one after the other anyway.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_LOCK)


def turn(priority: Priority, now: float) -> float:
    """Return what waiting jobs are ordered by, the smallest first."""
    return now - HEAD_START[priority]


def move(job: Job, to: State, now: float, *, reason: str | None = None, detail: str | None = None) -> bool:
    """Bring a job to a state, and tell whether it may come there; else nothing changes."""
    if job.state not in before(to):
        return False
    was_open, job.state = job.state in OPEN, to
    job.reason = None if reason is None else reason[:64]
    job.detail = None if detail is None else detail[:LONGEST_DETAIL]
    job.ended_at = None if to in OPEN else now
    if was_open and to not in OPEN:
        record_ended(job, now)
    return True


def queue_again(job: Job, now: float) -> bool:
    """Have a job that ended done anew, as another run of it; tell whether that may be."""
    if not move(job, State.QUEUED, now):
        return False
    job.run += 1
    job.span_id = new_span()
    job.attempts = 0
    job.turn = turn(Priority(job.priority), now)
    job.message = job.submitted_at = job.started_at = job.seconds = job.result = None
    return True
