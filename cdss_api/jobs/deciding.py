"""What a person decides of a job: that it is stopped, or done again."""

from __future__ import annotations

from enum import StrEnum

from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from cdss_api.jobs.admission import admit
from cdss_api.jobs.listing import Seen, found
from cdss_api.jobs.models import Job
from cdss_api.jobs.moving import lock, move, queue_again
from cdss_api.jobs.states import RETRIED, State
from cdss_api.outbox import operations
from neuronova.contract.grants import Patient

BY_PERSON = "by_person"


class Decision(StrEnum):
    """What is decided."""

    CANCEL = "cancel"
    RETRY = "retry"


class NotNow(Exception):
    """The job's state does not allow it; the message says which it is."""


def decide(work: Work, seen: Seen, job_key: str, decision: Decision, most: int) -> Job | None:
    """Do what is decided and return the job; None where there is none that may be seen.

    Raises:
        NotNow: it is in a state that does not allow it.
    """
    lock(work.session)
    job = found(work.session, seen, job_key)
    if job is None:
        return None
    before = job.state
    if not (_cancel(job, work.now) if decision is Decision.CANCEL else _retry(work, job)):
        raise NotNow(f"The job is {before}")
    work.record(
        Action.JOB_DECISION, patient=Patient(job.patient_id, job.issuer), job=job.job_key, decision=decision, was=before
    )
    admit(work.session, work.now, most)
    return job


def _cancel(job: Job, now: float) -> bool:
    return move(job, State.CANCELLED, now, reason=BY_PERSON)


def _retry(work: Work, job: Job) -> bool:
    if job.state not in RETRIED:
        return False
    if job.state != State.FAILED_TRANSIENT or job.message is None:
        return queue_again(job, work.now)
    # Its message waits for the next attempt, and what were written behind it would wait with it.
    try:
        operations.retry(work.session, job.message, work.now)
    except (operations.NotNow, operations.NoSuchMessage):
        raise NotNow("The job is tried again at this moment") from None
    return move(job, State.QUEUED, work.now)
