"""A client's assertion of who it is: a JSON Web Token that it signed (RFC 7523 3, SMART Backend Services)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from cdss_api.clients.keys import PublicKey
from neuronova.contract.token import LEEWAY

LONGEST = 8192  # characters
LONGEST_LIFE = 300  # seconds from now to its end
_LONGEST_ID = 255
_REQUIRED = ("iss", "sub", "aud", "exp", "jti")
_TOLD: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.InvalidSignatureError, "the signature does not hold"),
    (jwt.InvalidAudienceError, "aud is not the address of this token endpoint"),
    (jwt.MissingRequiredClaimError, f"an assertion has {', '.join(_REQUIRED)}"),
    (jwt.InvalidAlgorithmError, "the key is not used with this algorithm"),
)


class BadAssertion(Exception):
    """The assertion does not hold; the message says what is wrong and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that holds but may have been used; it can come again until `until`."""

    client_id: str
    jti_hash: str
    until: float


def claimed(assertion: str) -> tuple[str, str]:
    """Return which client an assertion says that it is of, and the identifier of its key; nothing is verified yet.

    Raises:
        BadAssertion: it says neither.
    """
    if not assertion or len(assertion) > LONGEST or not assertion.isascii():
        raise BadAssertion("the assertion is no JSON Web Token")
    try:
        header = jwt.get_unverified_header(assertion)
        payload = jwt.decode(assertion, options={"verify_signature": False, "verify_aud": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise BadAssertion("the assertion is no JSON Web Token") from None
    return _text(payload, "iss"), _text(header, "kid")


def verified(assertion: str, key: PublicKey, audience: str, now: float) -> Assertion:
    """Return what an assertion says, which `key` has signed for us (`audience` is the token endpoint).

    Raises:
        BadAssertion: the signature, the audience, the names or the times are wrong.
    """
    payload = _payload(assertion, key, audience)
    client_id, end = _text(payload, "iss"), _time(payload, "exp")
    if _text(payload, "sub") != client_id:
        raise BadAssertion("iss and sub are both the client's identifier")
    if end < now - LEEWAY:
        raise BadAssertion("the assertion has expired")
    if end > now + LONGEST_LIFE + LEEWAY:
        raise BadAssertion(f"an assertion ends within {LONGEST_LIFE} seconds")
    if any(name in payload and _time(payload, name) > now + LEEWAY for name in ("iat", "nbf")):
        raise BadAssertion("the assertion is of the future")
    hashed = hashlib.sha256(_text(payload, "jti").encode()).hexdigest()
    return Assertion(client_id, hashed, end + LEEWAY)


def _payload(assertion: str, key: PublicKey, audience: str) -> Mapping[str, Any]:
    # The clock is an argument here, and PyJWT's is not.
    options: Any = {"require": list(_REQUIRED), "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    options |= {"verify_sub": False, "verify_jti": False}  # these are looked at by `_text`
    try:
        payload: dict[str, Any] = jwt.decode(
            assertion, key.key, algorithms=[key.algorithm], audience=audience, options=options
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as odd:
        told = next((text for kind, text in _TOLD if isinstance(odd, kind)), "the assertion cannot be verified")
        raise BadAssertion(told) from None
    return payload


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
        raise BadAssertion(f"{name} is a text of 1 to {_LONGEST_ID} characters")
    return value


def _time(members: Mapping[str, Any], name: str) -> float:
    value = members.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise BadAssertion(f"{name} is a time in seconds")
    return float(value)
