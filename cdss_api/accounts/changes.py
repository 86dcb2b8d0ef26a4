"""What the plugin is told: what changed since a version, or else everything."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Account, Ended, Grant, LoggedChange, Modality, SigningKey, Version
from cdss_api.holds.models import Hold
from neuronova.contract.grants import (
    FORMAT,
    AccountChange,
    Change,
    GrantChange,
    Ground,
    HoldChange,
    KeyChange,
    ModalityChange,
    Operation,
    Revocation,
    Update,
    from_json,
)
from neuronova.contract.roles import Role


def current_version(session: Session) -> int:
    """Return how far the change log is."""
    return session.execute(select(Version.version)).scalar_one()


def read_update(session: Session, since: int, now: float) -> Update:
    """Return what brings a reader of version `since` to the current one; all that is where the log is too short."""
    version = current_version(session)
    oldest = session.scalar(select(func.min(LoggedChange.version)))
    if since == version:
        return Update(version=version, full=False, changes=())
    if not 0 < since < version or oldest is None or since < oldest - 1:
        return Update(version=version, full=True, changes=tuple(_everything(session, now)))
    rows = session.scalars(
        select(LoggedChange.change).where(LoggedChange.version > since).order_by(LoggedChange.version)
    )
    return from_json({"format": FORMAT, "version": version, "full": False, "changes": list(rows)})


def told(modality: Modality) -> ModalityChange:
    """Return a modality as the plugin is told of it."""
    return ModalityChange(
        title=modality.title,
        host=modality.host,
        port=modality.port,
        operations=tuple(Operation(name) for name in modality.operations),
        issuer=modality.issuer,
        tls=modality.tls,
        daily_mib=modality.daily_mib,
    )


def hold_told(hold: Hold) -> HoldChange:
    """Return a legal hold as the plugin is told of it."""
    return HoldChange(
        hold=str(hold.number),
        held=hold.lifted_at is None,
        patient_id=hold.patient_id,
        issuer=hold.issuer,
        study=hold.study_uid,
    )


def _everything(session: Session, now: float) -> Iterator[Change]:
    for account, role, enabled in session.execute(select(Account.account_id, Account.role, Account.enabled)):
        yield AccountChange(account=account, role=Role(role), enabled=enabled)
    keys = select(SigningKey.key_id, SigningKey.x).where(SigningKey.until.is_(None) | (SigningKey.until > now))
    for key_id, x in session.execute(keys):
        yield KeyChange(key_id=key_id, x=x)
    for ended, its_end in session.execute(select(Ended.ended, Ended.until).where(Ended.until > now)):
        yield Revocation(ended=ended, until=its_end)
    for modality in session.scalars(select(Modality)):
        yield told(modality)
    for hold in session.scalars(select(Hold).where(Hold.lifted_at.is_(None))):
        yield hold_told(hold)
    columns = (Grant.account_id, Grant.patient_id, Grant.issuer, Grant.ground, Grant.until)
    for account, patient_id, issuer, ground, until in session.execute(
        select(*columns).where(Grant.until.is_(None) | (Grant.until > now))
    ):
        yield GrantChange(
            account=account, patient_id=patient_id, issuer=issuer, ground=Ground(ground), granted=True, until=until
        )
