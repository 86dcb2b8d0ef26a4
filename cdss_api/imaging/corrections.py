"""Corrections as the database knows them: one for a patient at a time, however many machines there are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cdss_api.fhir.store import new_id
from cdss_api.holds.holding import require_free
from cdss_api.imaging.correcting import Move
from cdss_api.imaging.models import Correcting, Correction
from cdss_api.outbox.enqueueing import enqueue
from neuronova.contract.studies import StudyKey
from neuronova.web.problems import Problem

TARGET, KIND = "correction", "correction"


class Progress(StrEnum):
    """How a correction goes."""

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"  # an object cannot be rewritten: nothing was changed


class Superseded(Exception):
    """Somebody else carries this correction out now."""


def begin(
    session: Session, *, part: str, part_id: str, decision: str, moves: Sequence[Move], keeps: bool, now: float
) -> str:
    """Write a correction down with the message that has it carried out; return its id.

    Raises:
        Problem: 409 where one of these patients is being corrected already, or a study is under legal hold: objects
            are written anew, and those that there were are deleted.
    """
    require_free(session, (StudyKey(move.study_uid, *whose) for move in moves for whose in (move.before, move.after)))
    correction = new_id()
    patients = sorted({patient for move in moves for patient in (move.before[0], move.after[0])})
    try:
        with session.begin_nested():
            session.add_all([Correcting(patient_id=one, correction_id=correction) for one in patients])
    except IntegrityError:
        raise Problem(
            409, "in_progress", "Studies of this patient are being corrected; wait until that is done."
        ) from None
    session.add(
        Correction(
            correction_id=correction,
            part=part,
            part_id=part_id,
            decision=decision,
            state=Progress.OPEN,
            moves=[move.to_json() for move in moves],
            keeps=keeps,
            total=0,
            done=0,
            problem=None,
            runner=None,
            begun=now,
            ended=None,
        )
    )
    session.flush()
    go_on(session, correction, now)
    return correction


def go_on(session: Session, correction: str, now: float) -> None:
    """Have the next piece of a correction done."""
    payload = json.dumps({"correction": correction})
    enqueue(session, target=TARGET, aggregate=f"Correction/{correction}", kind=KIND, payload=payload, now=now)


def take(session: Session, correction: str, runner: str) -> Correction | None:
    """Make `runner` the one who carries it out; None where there is nothing (more) to carry out."""
    row = session.get(Correction, correction, with_for_update=True)
    if row is None or row.state != Progress.OPEN:
        return None
    row.runner = runner
    return row


def tell(session: Session, correction: str, runner: str, done: int, total: int) -> None:
    """Write down how far it is; raises Superseded where somebody else has taken it."""
    ours = update(Correction).where(Correction.correction_id == correction, Correction.runner == runner)
    written = session.execute(ours.values(done=done, total=total).returning(Correction.correction_id))
    if written.scalar_one_or_none() is None:
        raise Superseded


def require(session: Session, correction: str, runner: str) -> None:
    """Raise Superseded where somebody else has taken it."""
    known = session.scalar(select(Correction.runner).where(Correction.correction_id == correction))
    if known != runner:
        raise Superseded


def end(session: Session, row: Correction, state: Progress, now: float, problem: str | None = None) -> None:
    """End a correction, and let the next one of these patients begin."""
    row.state, row.ended, row.problem = state, now, problem
    if state is Progress.DONE:
        row.done = row.total
    session.execute(delete(Correcting).where(Correcting.correction_id == row.correction_id))


def last_of(session: Session, part: str, ids: Sequence[str]) -> dict[str, Correction]:
    """Return by mismatch or merge the correction that was begun last."""
    of = (Correction.part == part, Correction.part_id.in_(ids))
    rows = session.scalars(select(Correction).where(*of).order_by(Correction.begun, Correction.correction_id))
    return {row.part_id: row for row in rows}
