"""Whose images an account may see: given, taken, and taken in an emergency."""

from __future__ import annotations

from sqlalchemy import select

from cdss_api.accounts.logins import new_id
from cdss_api.accounts.models import Account, Grant
from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from neuronova.contract.grants import GrantChange, Ground, Patient


def own_patient(account: Account) -> Patient | None:
    """Return who a patient's account is of."""
    return None if account.patient_id is None else Patient(account.patient_id, account.issuer or "")


def give(
    work: Work,
    account: Account,
    patient: Patient,
    ground: Ground = Ground.CARE_TEAM,
    *,
    until: float | None = None,
    reason: str | None = None,
) -> Grant:
    """Let `account` see `patient`; what was granted on the same ground before is replaced."""
    work.alone()
    grant = _found(work, account, patient, ground)
    if grant is None:
        grant = Grant(grant_id=new_id(), account_id=account.account_id, ground=ground)
        grant.patient_id, grant.issuer = patient
        work.session.add(grant)
    grant.granted_at, grant.granted_by, grant.until, grant.reason = work.now, work.actor.subject, until, reason
    work.session.flush()
    work.publish(_told(account, patient, ground, granted=True, until=until))
    action = Action.BREAK_GLASS if ground is Ground.BREAK_GLASS else Action.GRANT
    work.record(action, reason=reason, patient=patient, account=account.account_id, ground=ground)
    return grant


def take(work: Work, account: Account, patient: Patient, ground: Ground = Ground.CARE_TEAM) -> bool:
    """End a grant; tell whether there was one."""
    work.alone()
    grant = _found(work, account, patient, ground)
    if grant is None:
        return False
    work.session.delete(grant)
    work.session.flush()
    work.publish(_told(account, patient, ground, granted=False))
    work.record(Action.REVOKE, patient=patient, account=account.account_id, ground=ground)
    return True


def _found(work: Work, account: Account, patient: Patient, ground: Ground) -> Grant | None:
    of = (Grant.account_id == account.account_id, Grant.ground == ground)
    whom = (Grant.patient_id == patient.patient_id, Grant.issuer == patient.issuer)
    return work.session.scalar(select(Grant).where(*of, *whom))


def _told(
    account: Account, patient: Patient, ground: Ground, *, granted: bool, until: float | None = None
) -> GrantChange:
    return GrantChange(
        account=account.account_id,
        patient_id=patient.patient_id,
        issuer=patient.issuer,
        ground=ground,
        granted=granted,
        until=until,
    )
