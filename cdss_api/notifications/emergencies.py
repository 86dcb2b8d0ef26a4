"""Breaking the glass: who does it sees the patient, and others are told in the same transaction."""

from __future__ import annotations

from cdss_api.accounts import grants
from cdss_api.accounts.models import Account, Grant
from cdss_api.accounts.work import Work
from cdss_api.notifications.kinds import Kind
from cdss_api.notifications.notifying import News, notify
from neuronova.contract.grants import Ground, Patient


def break_glass(
    work: Work, account: Account, patient: Patient, *, until: float, reason: str, study: str | None = None
) -> Grant:
    """Let `account` see `patient` until then (seconds since the epoch), and tell admins and the care team's doctors."""
    grant = grants.give(work, account, patient, Ground.BREAK_GLASS, until=until, reason=reason)
    who = account.display_name or account.username
    news = News(
        kind=Kind.BREAK_GLASS,
        subject=f"Emergency access: {who} ({account.role}) opened patient {patient.patient_id}. Reason: {reason}",
        link="/console/notifications",
        dedupe=f"break-glass/{grant.grant_id}/{work.now}",
        patient=patient,
        study=study,
    )
    notify(work.session, news, work.now, but={account.account_id})
    return grant
