"""Which models the inference service has, as it told last."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cdss_api.jobs.answers import ToldModel
from cdss_api.jobs.models import Job, KnownModel
from cdss_api.jobs.moving import lock, move
from cdss_api.jobs.states import State
from neuronova.contract.inference import Model


def learn(session: Session, told: Sequence[ToldModel], now: float) -> None:
    """Take the service's list for ours, and name the models of jobs that were made before it was known."""
    lock(session)
    session.execute(delete(KnownModel).where(KnownModel.model.not_in([one.model.id for one in told])))
    for one in told:
        session.merge(
            KnownModel(
                model=one.model.id,
                version=one.model.version,
                digest=one.model.digest,
                deadline=one.deadline,
                told=dict(one.told),
                seen_at=now,
            )
        )
        for job in session.scalars(select(Job).where(Job.model == one.model.id, Job.digest == "")):
            name(session, job, one.model, now)


def name(session: Session, job: Job, model: Model, now: float) -> bool:
    """Have a job be about a model's version and digest; where another job is already, that one stands for both."""
    same = select(Job).where(Job.rule == job.rule, Job.model == job.model, Job.digest == model.digest)
    same = same.where(Job.orthanc == job.orthanc, Job.input_hash == job.input_hash, Job.number != job.number)
    if session.scalar(same) is not None:
        move(job, State.SUPERSEDED, now, reason="model_changed")
        return False
    job.digest, job.model_version = model.digest, model.version
    session.flush()
    return True
