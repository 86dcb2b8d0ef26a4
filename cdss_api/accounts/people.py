"""Accounts made, changed, disabled; what follows for their logins and grants is done in the same transaction."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.accounts import grants, links
from cdss_api.accounts.languages import Language
from cdss_api.accounts.logins import end_logins, new_id
from cdss_api.accounts.models import Account
from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from neuronova.contract.grants import AccountChange, Ground, Patient
from neuronova.contract.roles import Role

OUTSIDE = "oidc:"  # how the names begin of those whom an identity provider vouches for


class Odd(Exception):
    """The account cannot be so; the message says why."""


class Taken(Odd):
    """Somebody else has this name."""


def find(session: Session, username: str) -> Account | None:
    """Return the account of this name, however its letters are written."""
    return session.scalar(select(Account).where(Account.username == normal(username)))


def normal(username: str) -> str:
    """Return a name as it is kept: a provider's subject as it is, others without regard to case."""
    return username if username.startswith(OUTSIDE) else username.strip().lower()


def add(
    work: Work,
    *,
    username: str,
    role: Role,
    password_hash: str | None,
    display_name: str = "",
    patient: Patient | None = None,
) -> Account:
    """Make an account.

    Raises:
        Odd: the name is taken, or role and patient do not go together.
    """
    work.alone()
    name = normal(username)
    if work.session.scalar(select(Account.account_id).where(Account.username == name)):
        raise Taken(f"there is an account {name} already")
    _require_fitting(role, patient)
    account = Account(
        account_id=new_id(),
        username=name,
        display_name=display_name,
        role=role,
        password_hash=password_hash,
        totp_secret=None,
        totp_confirmed=False,
        totp_step=0,
        enabled=True,
        patient_id=patient and patient.patient_id,
        issuer=patient and patient.issuer,
        created_at=work.now,
        language=None,
        last_login=None,
    )
    work.session.add(account)
    work.session.flush()
    work.publish(_told(account))
    work.record(Action.ACCOUNT_ADD, account=account.account_id, username=name, role=role)
    if patient is not None:
        grants.give(work, account, patient, Ground.OWN)
    return account


def change(
    work: Work,
    account: Account,
    *,
    display_name: str | None = None,
    role: Role | None = None,
    enabled: bool | None = None,
    patient: Patient | None = None,
) -> None:
    """Change what is given; another role and being disabled end every login and link.

    Raises:
        Odd: role and patient do not go together, or nobody would be left to manage accounts.
    """
    work.alone()
    before = (account.role, account.enabled)
    own = grants.own_patient(account)
    new_role = role or Role(account.role)
    new_own = (patient or own) if new_role is Role.PATIENT else patient
    _require_fitting(new_role, new_own)
    account.display_name = account.display_name if display_name is None else display_name
    account.role, account.enabled = new_role, account.enabled if enabled is None else enabled
    _require_an_admin(work)
    if new_own != own:
        _change_patient(work, account, own, new_own)
    work.record(
        Action.ACCOUNT_CHANGE,
        account=account.account_id,
        username=account.username,
        role=account.role,
        enabled=str(account.enabled).lower(),
    )
    if (account.role, account.enabled) != before:
        work.publish(_told(account))
        end_logins(work, account.account_id)
        links.revoke_all(work, account.account_id)


def set_password(work: Work, account: Account, password_hash: str, *, keep_login: str | None = None) -> None:
    """Replace the password; every other login ends."""
    work.alone()
    account.password_hash = password_hash
    work.record(Action.ACCOUNT_CHANGE, account=account.account_id, username=account.username, changed="password")
    end_logins(work, account.account_id, but=keep_login)


def set_one_time(work: Work, account: Account, secret: str | None, *, confirmed: bool) -> None:
    """Set, confirm or remove the secret of one-time passwords."""
    account.totp_secret, account.totp_confirmed = secret, confirmed
    state = "removed" if secret is None else ("confirmed" if confirmed else "begun")
    work.record(Action.ACCOUNT_CHANGE, account=account.account_id, username=account.username, one_time=state)


def set_language(work: Work, account: Account, language: Language | None) -> None:
    """Set the language of the pages that this account opens."""
    account.language = language
    told = language or "none"
    work.record(Action.ACCOUNT_CHANGE, account=account.account_id, username=account.username, language=told)


def _change_patient(work: Work, account: Account, own: Patient | None, new: Patient | None) -> None:
    account.patient_id, account.issuer = (new.patient_id, new.issuer) if new else (None, None)
    if own is not None:
        grants.take(work, account, own, Ground.OWN)
    if new is not None:
        grants.give(work, account, new, Ground.OWN)


def _require_fitting(role: Role, patient: Patient | None) -> None:
    if role is Role.SERVICE:
        raise Odd("services have no account: the platform makes their tokens")
    if (role is Role.PATIENT) != (patient is not None):
        raise Odd("an account of role patient, and no other, needs the patient's identity")


def _require_an_admin(work: Work) -> None:
    work.session.flush()
    admins = select(Account.account_id).where(Account.role == Role.ADMIN, Account.enabled)
    if work.session.scalars(admins.limit(1)).first() is None:
        raise Odd("nobody would be left to manage accounts")


def _told(account: Account) -> AccountChange:
    return AccountChange(account=account.account_id, role=Role(account.role), enabled=account.enabled)
