"""What a person decides of a merge, and what its corrections end in."""

from __future__ import annotations

import shutil
from enum import StrEnum
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Version as AccountsVersion
from cdss_api.accounts.recording import Action, Actor, write
from cdss_api.consequences import writing
from cdss_api.fhir.models import Identity
from cdss_api.fhir.store import Store
from cdss_api.holds.holding import require_free
from cdss_api.imaging.correcting import Move
from cdss_api.imaging.corrections import Progress
from cdss_api.imaging.models import Correction
from cdss_api.merging import records, studies
from cdss_api.merging.merging import Purpose, State, begun
from cdss_api.merging.models import Merge
from cdss_api.service import Service
from neuronova.contract.grants import Patient
from neuronova.contract.studies import StudyKey
from neuronova.web.problems import Problem


class Decision(StrEnum):
    """What is done with a merge."""

    CONFIRM = "confirm"
    UNDO = "undo"


_FROM = {Decision.CONFIRM: (State.MERGED,), Decision.UNDO: (State.MERGED, State.FAILED)}


def decide(service: Service, actor: Actor, merge_id: str, decision: Decision) -> str | None:
    """Confirm a merge, and delete the originals; or undo it. Return the correction that puts them back, if any.

    Raises:
        Problem: 404 no such merge; 409 it is not to be decided so, studies of its patients are being corrected, or are
            under legal hold.
    """
    with writing(service, actor) as store:
        store.session.execute(select(AccountsVersion.version).with_for_update())
        row = store.session.get(Merge, merge_id, with_for_update=True)
        if row is None:
            raise Problem(404, "no_such_merge", "There is no such merge.")
        if row.state not in _FROM[decision]:
            raise Problem(409, "not_to_be_decided", f"This merge is {row.state}: that cannot be done with it.")
        if decision is Decision.CONFIRM:
            moves = [Move.from_json(one) for one in row.studies]
            whose = (StudyKey(move.study_uid, *whom) for move in moves for whom in (move.before, move.after))
            require_free(store.session, whose)
        row.decided, row.decided_by = service.now(), actor.subject
        for patient in _concerned(store.session, row):
            detail = {"merge": merge_id, "decision": decision.value}
            write(service.record, actor, Action.MERGE_DECISION, patient=patient, detail=detail)
        if decision is Decision.UNDO:
            return _undo(store, row, service.now())
        row.state = State.CONFIRMED
        kept = row.correction_id
    _forget(service.settings.data, kept)
    return None


def ended(session: Session, correction: Correction, _instances: list[str]) -> None:
    """Write down what became of a merge when its correction has ended."""
    row = session.get_one(Merge, correction.part_id, with_for_update=True)
    done = correction.state == Progress.DONE
    if correction.decision == Purpose.MERGE:
        row.state = State.MERGED if done else State.FAILED
    else:
        row.state = State.UNDONE if done else State.FAILED


def _undo(store: Store, row: Merge, now: float) -> str | None:
    failed = row.state == State.FAILED
    moves = (
        [] if failed or row.correction_id is None else studies.moves_back(store.session, row.studies, row.correction_id)
    )
    written = [(kind, id_, version) for kind, id_, version in row.written]
    studies.unfollow(store.session, row.studies, moves)
    records.take_back(store, written, row.source, row.target)
    if not moves:
        row.state = State.UNDONE
        return None
    row.state = State.UNDOING
    return begun(store.session, row.merge_id, Purpose.UNDO, moves, now)


def _concerned(session: Session, row: Merge) -> list[Patient]:
    rows = select(Identity.patient_id, Identity.issuer).where(Identity.patient.in_((row.source, row.target)))
    return sorted({Patient(patient_id, issuer) for patient_id, issuer in session.execute(rows)})


def _forget(data: Path, correction: str | None) -> None:
    """Delete the originals of a merge that nobody can undo any more."""
    if correction is not None:
        shutil.rmtree(data / "corrections" / correction, ignore_errors=True)
