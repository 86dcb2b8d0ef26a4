"""From a token to who bears it, by what the ledger knows; no network, and a signature is verified once."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from neuronova.contract.grants import Ground, Patient
from neuronova.contract.roles import Role
from neuronova.contract.token import BadToken, Claims, ExpiredToken, require_current
from neuronova.contract.verified import VerifiedTokens
from orthanc_plugins.access.decision import Bearer, Reason
from orthanc_plugins.access.ledger import Account, Ledger

TOKEN_HEADER = "x-neuronova-token"  # noqa: S105 - a name
_REASONS = {
    Ground.CARE_TEAM: Reason.CARE_TEAM,
    Ground.CARE_TEAM_RESOURCE: Reason.CARE_TEAM,
    Ground.OWN: Reason.OWN,
    Ground.BREAK_GLASS: Reason.BREAK_GLASS,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """The settings of decisions: how long grants hold while the API is silent, and what is recent; in seconds."""

    grants_hold: float
    recent: float


@dataclass(frozen=True, slots=True)
class Internal:
    """One of the plugin's own processes, or the plugin itself."""


INTERNAL = Internal()


class Bearers:
    """Tells who bears a token."""

    def __init__(self, ledger: Ledger, rules: Rules, secret: str) -> None:
        self._ledger = ledger
        self._rules = rules
        self._secret = secret.encode()
        self._verified = VerifiedTokens()

    @property
    def version(self) -> int:
        """The version of what is known of accounts."""
        return self._ledger.version

    def identify(self, headers: Mapping[str, str], now: float) -> Bearer | Internal | Reason:
        """Return who asks, or why that is nobody (a reason that answers 401)."""
        token = headers.get(TOKEN_HEADER, "")
        if not token:
            return Reason.NO_TOKEN
        if hmac.compare_digest(token.encode("utf-8", "replace"), self._secret):
            return INTERNAL
        try:
            claims = self._claims(token, now)
        except ExpiredToken:
            return Reason.EXPIRED
        except BadToken:
            return Reason.BAD_TOKEN
        return self._standing(claims, now)

    def _claims(self, token: str, now: float) -> Claims:
        keys = self._ledger.keys
        known = self._verified.get(token)
        if known is None or known.key_id not in keys:
            return self._verified.verify(token, keys, now).claims
        require_current(known.claims, now)
        return known.claims

    def _standing(self, claims: Claims, now: float) -> Bearer | Reason:
        ledger = self._ledger
        if now - ledger.heard > self._rules.grants_hold:
            return Reason.STALE
        if claims.token_id in ledger.ended or claims.session in ledger.ended:
            return Reason.REVOKED
        recent_since = now - self._rules.recent
        if claims.role is Role.SERVICE and claims.subject.startswith("service:"):
            return Bearer(claims, recent_since=recent_since)
        account = ledger.accounts.get(claims.subject)
        if account is None or not account.enabled:
            return Reason.DISABLED
        if account.role is not claims.role:
            return Reason.REVOKED
        return Bearer(claims, partial(_reason, account, now), recent_since)


def _reason(account: Account, now: float, patient: Patient) -> Reason | None:
    ground = account.ground(patient, now)
    return None if ground is None else _REASONS[ground]
