"""One-time passwords by time (TOTP, RFC 6238)."""

from __future__ import annotations

import hmac

import pyotp
from sqlalchemy import update

from cdss_api.accounts.models import Account
from cdss_api.accounts.work import Work

_STEP = 30  # seconds
_DRIFT = 1  # steps by which a telephone's clock may differ


def new_secret() -> str:
    """Return a secret of 160 bits (RFC 4226 4)."""
    return pyotp.random_base32()


def address(secret: str, username: str) -> str:
    """Return what an authenticator's camera reads: an otpauth URI."""
    return str(pyotp.TOTP(secret, name=username, issuer="NeuroNova").provisioning_uri())


def step_of(secret: str, code: str, now: float) -> int | None:
    """Return the step whose code this is, if it is one that counts now."""
    totp, current = pyotp.TOTP(secret), int(now // _STEP)
    steps = range(current - _DRIFT, current + _DRIFT + 1)
    return next((step for step in steps if hmac.compare_digest(totp.generate_otp(step), code)), None)


def use(work: Work, account: Account, code: str) -> bool:
    """Take a code once (RFC 6238 5.2); tell whether it was right and not used before."""
    step = step_of(account.totp_secret or "", code, work.now)
    if step is None:
        return False
    later = update(Account).where(Account.account_id == account.account_id, Account.totp_step < step)
    used = work.session.execute(later.values(totp_step=step).returning(Account.account_id))
    return used.first() is not None
