"""Studies that name an order and do not fit it: held until somebody decides."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from cdss_api.fhir.store import new_id
from cdss_api.imaging.matching import Conflict, Verdict, as_ordered, as_sent
from cdss_api.imaging.models import Mismatch
from neuronova.contract.studies import StudyChanged, StudyKey


class State(StrEnum):
    """What became of a mismatch."""

    HELD = "held"
    KEPT = "kept"  # the study belongs to whom it was sent as, and to no order
    CORRECTING = "correcting"  # the DICOM side is being rewritten
    CORRECTED = "corrected"
    UNDOING = "undoing"
    UNDONE = "undone"
    ENDED = "ended"  # it fits now, or the study is gone


OPEN = (State.HELD, State.CORRECTING, State.UNDOING)


def settle(session: Session, sent: StudyChanged, verdict: Verdict, now: float) -> Verdict:
    """Hold a study that has a conflict, unless somebody decided that it is kept; end what was held without one."""
    held = [one for one in of_study(session, sent.key) if one.state in (*OPEN, State.KEPT)]
    if verdict.conflict is None:
        _end([one for one in held if one.state == State.HELD])
        return verdict
    conflict = verdict.conflict
    same = [one for one in held if one.order_id == conflict.order.id]
    _end([one for one in held if one not in same and one.state == State.HELD])
    if not same:
        session.add(_made(sent, conflict, now))
    for one in same:
        if one.state == State.HELD:
            one.reason, one.orthanc = conflict.reason, sent.orthanc
            one.sent, one.ordered = as_sent(sent), as_ordered(conflict.order)
    session.flush()
    return verdict


def end(session: Session, key: StudyKey) -> None:
    """End what is held of a study that is gone."""
    ended = update(Mismatch).where(*_is_of(key), Mismatch.state == State.HELD).values(state=State.ENDED)
    session.execute(ended)


def held(session: Session) -> int:
    """Return how many are held for a decision."""
    return session.scalar(select(func.count()).select_from(Mismatch).where(Mismatch.state == State.HELD)) or 0


def of_study(session: Session, key: StudyKey) -> list[Mismatch]:
    """Return all mismatches of a study."""
    return list(session.scalars(select(Mismatch).where(*_is_of(key)).order_by(Mismatch.found)))


def studies_held_for(session: Session, order: str) -> set[tuple[str, str, str]]:
    """Return the studies that are held for an order."""
    columns = (Mismatch.study_uid, Mismatch.patient_id, Mismatch.issuer)
    rows = session.execute(select(*columns).where(Mismatch.order_id == order, Mismatch.state == State.HELD))
    return {(study, patient_id, issuer) for study, patient_id, issuer in rows}


def _made(sent: StudyChanged, conflict: Conflict, now: float) -> Mismatch:
    return Mismatch(
        mismatch_id=new_id(),
        study_uid=sent.study,
        patient_id=sent.patient_id,
        issuer=sent.issuer,
        order_id=conflict.order.id,
        reason=conflict.reason,
        state=State.HELD,
        orthanc=sent.orthanc,
        sent=as_sent(sent),
        ordered=as_ordered(conflict.order),
        found=now,
        instances=None,
        decided=None,
        decided_by=None,
    )


def _end(held: list[Mismatch]) -> None:
    for one in held:
        one.state = State.ENDED


def _is_of(key: StudyKey) -> tuple[ColumnElement[bool], ...]:
    return (Mismatch.study_uid == key.study, Mismatch.patient_id == key.patient_id, Mismatch.issuer == key.issuer)
