"""Logins: refresh tokens, each used once, and the access tokens that they bring (RFC 6749 6, RFC 9700 4.14)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, select, update

from cdss_api.accounts.keys import Keyring
from cdss_api.accounts.models import Account, Ended, Login, RefreshToken
from cdss_api.accounts.recording import Action, Outcome
from cdss_api.accounts.work import Work
from neuronova.contract.grants import Revocation
from neuronova.contract.roles import Role
from neuronova.contract.token import LEEWAY, LIFETIME, Claims

REFRESH_LIFETIME = 12 * 3600.0  # a shift; a viewer that stays open refreshes long before
LOGIN_LIFETIME = 7 * 24 * 3600.0  # whatever happens, a password is asked for once a week


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """What a login or a refresh gives."""

    access: str
    refresh: str
    refresh_expires_in: int
    language: str | None  # that the account chose


def new_id() -> str:
    """Return an identifier that nobody guesses."""
    return secrets.token_hex(16)


def open_login(work: Work, keyring: Keyring, account: Account) -> Tokens:
    """Begin a login of `account`."""
    work.session.execute(delete(Login).where(Login.expires_at < work.now))
    login = Login(
        login_id=new_id(),
        account_id=account.account_id,
        created_at=work.now,
        expires_at=work.now + LOGIN_LIFETIME,
        ended_at=None,
    )
    work.session.add(login)
    account.last_login = work.now
    work.session.flush()
    work.record(Action.LOGIN, account=account.account_id, username=account.username, login=login.login_id)
    return _tokens(work, keyring, account, login)


def refresh(work: Work, keyring: Keyring, token: str) -> Tokens | None:
    """Exchange a refresh token for new tokens; None if it is not to be had, and one used before ends its login."""
    row = work.session.get(RefreshToken, _hashed(token))
    if row is None:
        return None
    unused = update(RefreshToken).where(RefreshToken.token_hash == row.token_hash, RefreshToken.used_at.is_(None))
    first = work.session.execute(unused.values(used_at=work.now).returning(RefreshToken.token_hash)).first()
    login = work.session.get_one(Login, row.login_id)
    account = work.session.get_one(Account, login.account_id)
    if first is None:
        work.alone()
        work.record(Action.REFRESH, Outcome.DENIED, reason="reused", account=account.account_id, login=login.login_id)
        end_login(work, login)
        return None
    if login.ended_at is not None or not account.enabled or work.now > min(row.expires_at, login.expires_at):
        return None
    return _tokens(work, keyring, account, login)


def log_out(work: Work, *, token: str | None, login_id: str | None) -> None:
    """End the login of a refresh token or of an access token, if it is one."""
    work.alone()
    row = work.session.get(RefreshToken, _hashed(token)) if token else None
    login = work.session.get(Login, row.login_id if row else login_id or "")
    if login is not None and login.ended_at is None:
        work.record(Action.LOGOUT, account=login.account_id, login=login.login_id)
        end_login(work, login)


def end_login(work: Work, login: Login) -> None:
    """Refuse every token of `login` from now on."""
    if login.ended_at is None:
        login.ended_at = work.now
        end(work, login.login_id, work.now + LIFETIME + LEEWAY)


def end_logins(work: Work, account_id: str, *, but: str | None = None) -> None:
    """End every login of an account."""
    open_ones = select(Login).where(
        Login.account_id == account_id, Login.ended_at.is_(None), Login.login_id != (but or "")
    )
    for login in work.session.scalars(open_ones).all():
        end_login(work, login)


def end(work: Work, identifier: str, until: float) -> None:
    """Refuse the tokens of a login or link until the last of them has expired anyway."""
    work.session.execute(delete(Ended).where(Ended.until < work.now))
    work.session.merge(Ended(ended=identifier, until=until))
    work.publish(Revocation(ended=identifier, until=until))


def _tokens(work: Work, keyring: Keyring, account: Account, login: Login) -> Tokens:
    until = min(work.now + REFRESH_LIFETIME, login.expires_at)
    token = secrets.token_urlsafe(32)
    work.session.add(RefreshToken(token_hash=_hashed(token), login_id=login.login_id, expires_at=until, used_at=None))
    claims = Claims(
        subject=account.account_id,
        role=Role(account.role),
        token_id=new_id(),
        session=login.login_id,
        issued_at=int(work.now),
        expires_at=int(work.now) + LIFETIME,
    )
    access, _ = keyring.sign(work.session, claims)
    left = int(until - work.now)
    return Tokens(access=access, refresh=token, refresh_expires_in=left, language=account.language)


def _hashed(token: str) -> str:
    # 256 random bits need no salt and no slow hash.
    return hashlib.sha256(token.encode()).hexdigest()
