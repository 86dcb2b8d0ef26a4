"""Placing and lifting a hold, and asking whether something is held; all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from cdss_api.accounts.changes import hold_told
from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from cdss_api.holds.models import Hold
from cdss_api.imaging.models import Study
from cdss_api.retention.models import DueStudy
from neuronova.contract.grants import Patient
from neuronova.contract.studies import StudyKey
from neuronova.web.problems import Problem

Named = str | InstrumentedAttribute[str]
HELD = "It is under legal hold: nothing of it leaves the archive before the hold is lifted."


def place_on_study(work: Work, study: str, reason: str) -> Hold:
    """Hold a stored study, under whichever patients it is.

    Raises:
        Problem: 404 it is not stored.
    """
    rows = list(work.session.scalars(select(Study).where(Study.study_uid == study, Study.sent.is_not(None))))
    if not rows:
        raise Problem(404, "no_such_study", "There is no such study.")
    return _place(work, study, Patient(rows[0].patient_id, rows[0].issuer), reason)


def place_on_patient(work: Work, patient: Patient, reason: str) -> Hold:
    """Hold all studies of a patient, those to come included.

    Raises:
        Problem: 404 none is stored.
    """
    stored = select(Study.study_uid).where(Study.patient_id == patient.patient_id, Study.issuer == patient.issuer)
    if work.session.scalar(stored.where(Study.sent.is_not(None)).limit(1)) is None:
        raise Problem(404, "no_such_patient", "No study of this patient is stored.")
    return _place(work, None, patient, reason)


def lift(work: Work, number: int, reason: str) -> Hold:
    """Lift a hold; somebody else than who placed it has to.

    Raises:
        Problem: 404 no such hold; 409 it was lifted already, or is one's own.
    """
    work.alone()
    row = work.session.get(Hold, number)
    if row is None:
        raise Problem(404, "no_such_hold", "There is no such hold.")
    if row.lifted_at is not None:
        raise Problem(409, "lifted_already", "This hold was lifted already.")
    if row.placed_by == work.actor.subject:
        raise Problem(409, "own_hold", "Who places a hold does not lift it: another person has to.")
    row.lifted_at, row.lifted_by, row.lifted_reason = work.now, work.actor.subject, reason
    work.session.flush()
    work.publish(hold_told(row))
    _record(work, Action.HOLD_LIFT, row, reason)
    return row


def keeps(table: type[Study | DueStudy]) -> ColumnElement[bool]:
    """Return the condition that a row of a table of studies is held now."""
    return _is_kept(table.study_uid, table.patient_id, table.issuer)


def is_held(session: Session, key: StudyKey) -> bool:
    """Tell whether a study under a patient is held."""
    return session.scalars(select(_is_kept(*key))).one()


def require_free(session: Session, keys: Iterable[StudyKey]) -> None:
    """Raise Problem (409) where one of some studies is held."""
    if any(is_held(session, key) for key in keys):
        raise Problem(409, "legal_hold", HELD)


def _is_kept(study: Named, patient_id: Named, issuer: Named) -> ColumnElement[bool]:
    patient = and_(Hold.study_uid.is_(None), Hold.patient_id == patient_id, Hold.issuer == issuer)
    return exists().where(Hold.lifted_at.is_(None), or_(Hold.study_uid == study, patient))


def _place(work: Work, study: str | None, patient: Patient, reason: str) -> Hold:
    work.alone()
    row = Hold(
        study_uid=study,
        patient_id=patient.patient_id,
        issuer=patient.issuer,
        reason=reason,
        placed_at=work.now,
        placed_by=work.actor.subject,
    )
    work.session.add(row)
    work.session.flush()
    work.publish(hold_told(row))
    _record(work, Action.HOLD, row, reason)
    return row


def _record(work: Work, action: Action, row: Hold, why: str) -> None:
    patient = Patient(row.patient_id, row.issuer)
    work.record(action, patient=patient, hold=str(row.number), study=row.study_uid or "", why=why)
