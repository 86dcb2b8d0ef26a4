"""Putting a series on its way: its row and its message, in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from cdss_api.accounts.models import Modality
from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from cdss_api.forwarding.models import BY_HAND, Forward, State
from cdss_api.outbox.enqueueing import enqueue
from neuronova.contract.ai.judged import SeriesJudged
from neuronova.contract.grants import Operation, Patient
from neuronova.contract.priority import Priority

TARGET = "dicom"
"""The first word of the targets' names; the AE title follows."""
KIND = "series"
_OPEN = (State.QUEUED, State.SENDING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A series that is to be sent; `orthanc` is Orthanc's identifier, `input_hash` stands for its files."""

    rule: str
    destination: str
    priority: Priority
    orthanc: str
    study: str
    series: str
    patient: Patient
    input_hash: str


class NoDestination(Exception):
    """There is no modality of that AE title that may store; the message says so."""


def request(work: Work, wanted: Wanted) -> Forward:
    """Put a series on its way unless it is there already; what is asked for by hand goes again.

    It is written to the audit trail before: whoever gets images is told of patients.
    """
    same = select(Forward).where(Forward.rule == wanted.rule, Forward.destination == wanted.destination)
    same = same.where(Forward.orthanc == wanted.orthanc, Forward.input_hash == wanted.input_hash)
    known = work.session.scalar(same.with_for_update())
    if known is not None and (known.state in _OPEN or not (wanted.rule == BY_HAND or known.state == State.SUPERSEDED)):
        return known
    row = known or _made(wanted, work.now)
    work.record(
        Action.FORWARD, patient=wanted.patient, study=wanted.study, series=wanted.series, to=row.destination,
        rule=row.rule or "by-hand",
    )  # fmt: skip
    row.run += 1
    row.state, row.detail, row.ended_at = State.QUEUED, None, None
    row.job = row.files = None
    work.session.add(row)
    work.session.flush()
    payload = json.dumps({"forward": row.number, "run": row.run})
    target = f"{TARGET}:{row.destination}"
    aggregate = f"forward/{row.number}.{row.run}"
    row.message = enqueue(work.session, target=target, aggregate=aggregate, kind=KIND, payload=payload, now=work.now)
    work.session.flush()
    return row


def take_in(work: Work, judged: SeriesJudged) -> Sequence[Forward]:
    """Do what the rules say of a series as it is now; what an older state of it was queued for by rules is dropped."""
    older = select(Forward).where(Forward.orthanc == judged.orthanc, Forward.rule != BY_HAND)
    older = older.where(Forward.state == State.QUEUED, Forward.input_hash != judged.input_hash)
    for row in work.session.scalars(older.with_for_update()):
        row.state, row.ended_at = State.SUPERSEDED, work.now
        row.detail = "The series was deleted." if judged.is_gone else "The series has other images by now."
    work.session.flush()
    patient = Patient(judged.patient_id, judged.issuer)
    # By name, as all who write several messages do.
    return [
        request(
            work,
            Wanted(
                rule=one.rule,
                destination=one.to,
                priority=one.priority,
                orthanc=judged.orthanc,
                study=judged.study,
                series=judged.series,
                patient=patient,
                input_hash=judged.input_hash,
            ),
        )
        for one in sorted(judged.sent, key=lambda one: (one.to, one.rule))
    ]


def require_destination(work: Work, title: str) -> None:
    """Raise NoDestination unless there is a modality of this AE title that may store."""
    known = work.session.get(Modality, title)
    if known is None:
        raise NoDestination(f"there is no modality {title}; `neuronova modality add {title} HOST PORT` adds it")
    if Operation.STORE not in known.operations:
        raise NoDestination(f"{title} may not store; `neuronova modality add` with --allow store lets it")


def _made(wanted: Wanted, now: float) -> Forward:
    return Forward(
        rule=wanted.rule,
        destination=wanted.destination,
        orthanc=wanted.orthanc,
        study=wanted.study,
        series=wanted.series,
        patient_id=wanted.patient.patient_id,
        issuer=wanted.patient.issuer,
        input_hash=wanted.input_hash,
        priority=wanted.priority,
        run=0,
        created_at=now,
    )
