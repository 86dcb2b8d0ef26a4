"""A login by password or by an identity provider: the same answer and the same work for whoever cannot come in."""

from __future__ import annotations

from cdss_api.accounts import one_time, outside, people, recording
from cdss_api.accounts.logins import Tokens, open_login
from cdss_api.accounts.models import Account
from cdss_api.accounts.outside import Provider
from cdss_api.accounts.people import find
from cdss_api.accounts.recording import Action, Actor, Outcome
from cdss_api.service import Service
from neuronova.contract.roles import Role
from neuronova.web.problems import Problem

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="neuronova"'}


def log_in(service: Service, username: str, password: str, otp: str | None, address: str) -> Tokens:
    """Return the tokens of a new login.

    Raises:
        Problem: `invalid_credentials`, whatever is wrong; `otp_required`, if only the one-time password is missing.
    """
    with service.database.reading() as session:
        account = find(session, username)
    right = service.passwords.match(account.password_hash if account else None, password)
    if account is None or not right or not account.enabled:
        _refuse(service, username, address, account, "invalid_credentials")
        raise Problem(401, "invalid_credentials", "The username or the password is wrong.", _CHALLENGE)
    if account.totp_confirmed and otp is None:
        _refuse(service, username, address, account, "otp_required")
        raise Problem(401, "otp_required", "This account needs a one-time password too.", _CHALLENGE)
    tokens = _open(service, account.account_id, password_hash=account.password_hash, otp=otp, address=address)
    if tokens is None:
        _refuse(service, username, address, account, "invalid_credentials")
        raise Problem(401, "invalid_credentials", "The username or the password is wrong.", _CHALLENGE)
    return tokens


def enter(service: Service, provider: Provider, token: str, address: str) -> Tokens:
    """Return the tokens of a new login of whom the identity provider vouches for.

    Raises:
        Problem: `outside_token_invalid`; `no_role`, if the provider names none that counts here.
    """
    try:
        person = provider.person(token, service.now())
    except (outside.Untrusted, outside.NoRole) as error:
        without_role = isinstance(error, outside.NoRole)
        status, code = (403, "no_role") if without_role else (401, "outside_token_invalid")
        recording.write(service.record, Actor(subject="", address=address), Action.LOGIN, Outcome.DENIED, reason=code)
        raise Problem(status, code, f"{error}.".capitalize(), {} if without_role else _CHALLENGE) from None
    subject = people.OUTSIDE + person.subject
    try:
        with service.work(Actor(subject=subject, role=person.role, address=address)) as work:
            tokens = outside.log_in(work, service.keyring, person)
            if tokens is None:
                work.record(Action.LOGIN, Outcome.DENIED, reason="disabled", username=subject)
    except people.Odd as odd:  # the last administrator would be one no more
        raise Problem(409, "impossible_account", f"{odd}.".capitalize()) from None
    if tokens is None:
        raise Problem(401, "outside_token_invalid", "This account is disabled here.", _CHALLENGE)
    return tokens


def _open(
    service: Service, account_id: str, *, password_hash: str | None, otp: str | None, address: str
) -> Tokens | None:
    with service.work(Actor(subject=account_id, address=address)) as work:
        account = work.session.get_one(Account, account_id)
        # Hashing took its time: it may have been disabled, or given another password, meanwhile.
        if not account.enabled or account.password_hash != password_hash:
            return None
        if account.totp_confirmed and not one_time.use(work, account, otp or ""):
            return None
        return open_login(work, service.keyring, account)


def _refuse(service: Service, username: str, address: str, account: Account | None, reason: str) -> None:
    """Record it with the name only if it is one of ours: people type their password into the wrong field."""
    actor = Actor(
        subject=account.account_id if account else "",
        role=Role(account.role) if account else None,
        address=address,
    )
    known = {"username": account.username} if account else {}
    recording.write(service.record, actor, Action.LOGIN, Outcome.DENIED, reason=reason, detail=known)
