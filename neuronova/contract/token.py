"""Access tokens: JSON Web Tokens signed with Ed25519 (RFC 7519, RFC 8037), made by the API and read by every part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from neuronova.contract.roles import PERMISSIONS, Permission, Role
from neuronova.contract.scopes import Scopes, parse_scopes, written

TOKEN_HEADER = "X-Neuronova-Token"  # noqa: S105 - a name; Orthanc takes a global lock on bearer headers
ALGORITHM = "EdDSA"
AUDIENCE = "neuronova"
ISSUER = "neuronova"
LIFETIME = 600  # seconds
LEEWAY = 5  # seconds by which two clocks may differ
LONGEST = 8192  # characters of a token


class BadToken(Exception):
    """The token is not one of ours, or is none at all; the message says what is wrong and never quotes it."""


class ExpiredToken(BadToken):
    """The token was one of ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What a token says.

    `studies` narrows the token to these StudyInstanceUIDs, and is None for all that the account may see; a narrowed
    token stores only where `may_store` says so. `scopes` are the permissions of a service. `fhir` narrows the token to
    these interactions with resources, and is None where nobody asked for that; a service of such a token has these
    interactions and no permission.
    """

    subject: str  # the account's identifier
    role: Role
    token_id: str
    session: str  # the login that the token comes from; what ends it ends all its tokens
    issued_at: int
    expires_at: int
    studies: frozenset[str] | None = None
    may_store: bool = True
    scopes: frozenset[Permission] = frozenset()
    fhir: Scopes | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the bearer may do at all."""
        granted = PERMISSIONS[self.role]
        if self.role is Role.SERVICE:
            granted &= self.scopes
        if self.studies is not None:
            narrow = {Permission.IMAGES_QUERY, Permission.IMAGES_READ}
            granted &= narrow | ({Permission.IMAGES_STORE} if self.may_store else set())
        return granted


def sign(claims: Claims, key: Ed25519PrivateKey, key_id: str) -> str:
    """Return the compact serialisation of `claims`."""
    payload: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": claims.subject,
        "role": claims.role.value,
        "jti": claims.token_id,
        "sid": claims.session,
        "iat": claims.issued_at,
        "exp": claims.expires_at,
    }
    if claims.scopes or claims.fhir:
        payload["scope"] = " ".join((*sorted(claims.scopes), written(claims.fhir or ()))).strip()
    if claims.studies is not None:
        payload |= {"studies": sorted(claims.studies), "store": claims.may_store}
    return jwt.encode(payload, key, ALGORITHM, headers={"kid": key_id})


def verify(token: str, keys: Mapping[str, Ed25519PublicKey], now: float) -> Claims:
    """Return the claims of a token that one of `keys`, by key identifier, signed.

    Raises:
        ExpiredToken: it was valid before.
        BadToken: anything else is wrong with it.
    """
    claims = _read(token, keys)
    require_current(claims, now)
    return claims


def key_of(token: str) -> str:
    """Return the identifier of the key that a token names; it may still be any text."""
    return str(jwt.get_unverified_header(token).get("kid", ""))


def require_current(claims: Claims, now: float) -> None:
    """Raise ExpiredToken, or BadToken where the token is of the future."""
    if now > claims.expires_at + LEEWAY:
        raise ExpiredToken("the token has expired")
    if claims.issued_at > now + LEEWAY:
        raise BadToken("the token is of the future")


def _read(token: str, keys: Mapping[str, Ed25519PublicKey]) -> Claims:
    if not token or len(token) > LONGEST or not token.isascii():
        raise BadToken("this is no token")
    required = ["iss", "aud", "sub", "role", "jti", "sid", "iat", "exp"]
    # The clock is an argument here, and PyJWT's is not.
    clockless = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": required}
    try:
        key = keys.get(key_of(token))
        if key is None:
            raise BadToken("the token is signed with a key that is not ours")
        payload = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options=clockless,  # type: ignore[arg-type]
        )
        return _claims(payload)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as odd:
        raise BadToken(f"the token cannot be verified ({type(odd).__name__})") from None


def _claims(payload: Mapping[str, Any]) -> Claims:
    studies = payload.get("studies")
    names = _text(payload["scope"]).split() if "scope" in payload else []
    smart = [name for name in names if "/" in name]  # of a resource, as no permission is
    return Claims(
        subject=_text(payload["sub"]),
        role=Role(payload["role"]),
        token_id=_text(payload["jti"]),
        session=_text(payload["sid"]),
        issued_at=int(payload["iat"]),
        expires_at=int(payload["exp"]),
        studies=None if studies is None else frozenset(_texts(studies)),
        may_store=payload.get("store", True) is True,
        scopes=frozenset(Permission(name) for name in names if "/" not in name),
        fhir=parse_scopes(" ".join(smart)) if smart else None,
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    return value


def _texts(values: object) -> Iterable[str]:
    if not isinstance(values, list):
        raise TypeError("not a list")
    return [_text(value) for value in values]
