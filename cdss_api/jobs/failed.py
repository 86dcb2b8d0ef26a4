"""Telling admins of a job that failed for good, in the transaction in which it did."""

from __future__ import annotations

from sqlalchemy.orm import Session

from cdss_api.jobs.models import Job
from cdss_api.notifications.kinds import Kind
from cdss_api.notifications.notifying import News, notify
from neuronova.contract.grants import Patient


def tell_failed(session: Session, job: Job, now: float) -> None:
    """Tell of a job's run that ended as failed; of one run nobody is told twice."""
    why = job.reason or "no reason is known"
    news = News(
        kind=Kind.JOB_FAILED,
        subject=f"AI job failed: {job.model} (rule {job.rule}) for patient {job.patient_id}: {why}",
        link="/console/jobs",
        dedupe=f"ai-job-failed/{job.job_key}/{job.run}",
        patient=Patient(job.patient_id, job.issuer),
        study=job.study,
    )
    notify(session, news, now)
