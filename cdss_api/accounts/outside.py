"""An outside identity provider (OpenID Connect Core 3.1.3.7): its token becomes a login of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from jwt import PyJWKClient

from cdss_api.accounts import people
from cdss_api.accounts.keys import Keyring
from cdss_api.accounts.logins import Tokens, open_login
from cdss_api.accounts.work import Work
from neuronova.contract.roles import Role
from neuronova.contract.settings import Settings

_ALGORITHMS = ["RS256", "ES256", "EdDSA"]  # signatures alone: nothing that shares a secret
_TIMEOUT = 5.0  # seconds
_KEYS_HOLD = 300.0  # seconds
_LEEWAY = 30.0  # seconds by which the provider's clock may differ
_LONGEST_SUBJECT = 255  # OpenID Connect Core 2, sub


class Untrusted(Exception):
    """The provider's token does not hold, or cannot be verified now; the message never quotes it."""


class NoRole(Exception):
    """The provider vouches for the person, who has no role here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Whom the provider vouches for."""

    subject: str
    role: Role
    display_name: str


class Provider:
    """A trusted issuer, its keys and what its roles are here."""

    def __init__(self, settings: Settings) -> None:
        self._issuer, self._audience = settings.oidc_issuer, settings.oidc_audience
        self._claim, self._roles = settings.oidc_role_claim, settings.oidc_roles or ()
        url = settings.oidc_jwks_url or ""
        self._keys = PyJWKClient(url, timeout=_TIMEOUT, lifespan=_KEYS_HOLD)

    def person(self, token: str, now: float) -> Person:
        """Return whom the token is of.

        Raises:
            Untrusted: it does not hold.
            NoRole: none of the claimed roles is one of ours.
        """
        claims = self._claims(token, now)
        role = role_of(claims, self._claim, self._roles)
        if role is None:
            raise NoRole("the identity provider names no role that counts here")
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
            raise Untrusted("the token's subject is odd")
        name = claims.get("name") or claims.get("preferred_username") or ""
        return Person(subject=subject, role=role, display_name=_shown(name))

    def _claims(self, token: str, now: float) -> Mapping[str, Any]:
        # The clock is an argument here, and PyJWT's is not.
        options: Any = {"require": ["exp", "iat", "sub", "iss", "aud"], "verify_exp": False, "verify_iat": False}
        options |= {"verify_nbf": False}
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=_ALGORITHMS, audience=self._audience, issuer=self._issuer, options=options
            )
            current = float(claims.get("nbf", 0)) - _LEEWAY <= now <= float(claims["exp"]) + _LEEWAY
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OSError) as odd:
            raise Untrusted(f"the token cannot be verified ({type(odd).__name__})") from None
        if not current:
            raise Untrusted("the token has expired, or is of the future")
        return claims


def role_of(claims: Mapping[str, Any], path: str, roles: tuple[tuple[str, Role], ...]) -> Role | None:
    """Return the first of `roles` whose name the claim at the dotted `path` holds."""
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    held = [value] if isinstance(value, str) else value
    if not isinstance(held, list):
        return None
    return next((role for name, role in roles if name in held), None)


def log_in(work: Work, keyring: Keyring, person: Person) -> Tokens | None:
    """Begin a login, for an account made or brought up to date; None for one that was disabled here."""
    account = people.find(work.session, people.OUTSIDE + person.subject)
    if account is None:
        account = people.add(
            work,
            username=people.OUTSIDE + person.subject,
            role=person.role,
            password_hash=None,
            display_name=person.display_name,
        )
    elif not account.enabled:
        return None
    elif (account.role, account.display_name) != (person.role, person.display_name):
        people.change(work, account, role=person.role, display_name=person.display_name)
    return open_login(work, keyring, account)


def _shown(name: object) -> str:
    return "".join(letter for letter in str(name) if letter.isprintable())[:128]
