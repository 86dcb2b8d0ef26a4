"""From what the rules say of a series to its jobs; all in the caller's transaction."""

from __future__ import annotations

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.jobs.admission import admit
from cdss_api.jobs.models import LONGEST_DETAIL, Job, JudgedSeries, KnownModel
from cdss_api.jobs.moving import lock, move, queue_again, turn
from cdss_api.jobs.states import OPEN, State
from neuronova.contract.ai.judged import Asked, SeriesJudged
from neuronova.contract.trace import read_traceparent
from neuronova.telemetry.spans import begin

GONE = "series_gone"
NEEDS = "needs"


def take_in(session: Session, judged: SeriesJudged, now: float, most: int) -> bool:
    """Take in what is said of a series; tell whether it was news.

    What is said of another state of it is superseded, each rule that fires has its job, and up to `most` jobs go on.
    """
    lock(session)
    row = session.get(JudgedSeries, judged.orthanc)
    if row is not None and row.writer == judged.writer and row.sequence >= judged.sequence:
        return False
    session.merge(JudgedSeries(orthanc=judged.orthanc, writer=judged.writer, sequence=judged.sequence))
    of_series = select(Job).where(Job.orthanc == judged.orthanc, Job.input_hash != judged.input_hash)
    for job in session.scalars(of_series.where(Job.state != State.SUPERSEDED)):
        if judged.is_gone and job.state in OPEN:
            move(job, State.CANCELLED, now, reason=GONE, detail="The series was deleted.")
        elif not (judged.is_gone and job.reason == GONE):
            move(job, State.SUPERSEDED, now, reason=GONE if judged.is_gone else "input_changed")
    for asked in judged.asked:
        _take(session, judged, asked, now)
    admit(session, now, most)
    return True


def _take(session: Session, judged: SeriesJudged, asked: Asked, now: float) -> None:
    known = session.get(KnownModel, asked.model)
    job = _found(session, judged, asked, known)
    if job is None:
        session.add(_made(judged, asked, known, now))
        session.flush()
        return
    if asked.reasons:
        # It came back as it was; else what was found out by running the model stands.
        if job.state == State.SUPERSEDED:
            move(job, State.NOT_EVALUABLE, now, reason=NEEDS, detail=" ".join(asked.reasons))
    elif job.state == State.SUPERSEDED or job.reason in (GONE, NEEDS):
        queue_again(job, now)


def _found(session: Session, judged: SeriesJudged, asked: Asked, known: KnownModel | None) -> Job | None:
    """Return the job that there is; where the model or the job has no digest yet, whichever it is."""
    same = select(Job).where(Job.orthanc == judged.orthanc, Job.input_hash == judged.input_hash)
    same = same.where(Job.rule == asked.rule, Job.model == asked.model)
    if known is not None:
        same = same.where(Job.digest.in_((known.digest, "")))
    return session.scalars(same.order_by(Job.number.desc())).first()


def _made(judged: SeriesJudged, asked: Asked, known: KnownModel | None, now: float) -> Job:
    fires = not asked.reasons
    judgement = read_traceparent(judged.traceparent)
    own = begin(judgement)
    return Job(
        job_key=secrets.token_hex(16),
        rule=asked.rule,
        model=asked.model,
        model_version="" if known is None else known.version,
        digest="" if known is None else known.digest,
        orthanc=judged.orthanc,
        study=judged.study,
        series=judged.series,
        patient_id=judged.patient_id,
        issuer=judged.issuer,
        accession=judged.accession_number,
        modality=judged.modality,
        instances=judged.instances,
        input_hash=judged.input_hash,
        uids_hash=judged.uids_hash,
        priority=asked.priority,
        state=State.QUEUED if fires else State.NOT_EVALUABLE,
        reason=None if fires else NEEDS,
        detail=None if fires else " ".join(asked.reasons)[:LONGEST_DETAIL],
        run=1,
        attempts=0,
        trace_id=own.trace_id,
        span_id=own.span_id,
        parent_id=None if judgement is None else judgement.span_id,
        turn=turn(asked.priority, now),
        created_at=now,
        ended_at=None if fires else now,
    )
