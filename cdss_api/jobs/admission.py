"""Which jobs go to the inference service: few at a time, so that an urgent one that comes later overtakes the rest."""

from __future__ import annotations

import json

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdss_api.jobs.models import Job
from cdss_api.jobs.states import State
from cdss_api.jobs.tracing import context_of
from cdss_api.outbox.enqueueing import enqueue

TARGET = "inference"
KIND = "job"


def admit(session: Session, now: float, most: int) -> int:
    """Give the best of the waiting jobs a message of the outbox, until `most` have one; return how many got one.

    The caller has the lock of `moving`. A job that waits for its next attempt takes no place: it may be minutes.
    """
    waiting = select(Job).where(Job.state == State.QUEUED, Job.message.is_(None))
    session.flush()
    room = most - in_flight(session)
    if room <= 0:
        return 0
    chosen = list(session.scalars(waiting.order_by(Job.turn, Job.number).limit(room)))
    for job in sorted(chosen, key=lambda one: one.job_key):
        payload = json.dumps({"job_key": job.job_key, "run": job.run})
        job.message = enqueue(
            session,
            target=TARGET,
            aggregate=f"job/{job.job_key}",
            kind=KIND,
            payload=payload,
            now=now,
            traceparent=context_of(job).traceparent,
        )
    session.flush()
    return len(chosen)


def in_flight(session: Session) -> int:
    """Return how many jobs are with the inference service, or on their way to it."""
    admitted = select(func.count()).where(Job.state.in_((State.QUEUED, State.RUNNING)), Job.message.is_not(None))
    return session.scalar(admitted) or 0
