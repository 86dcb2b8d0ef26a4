"""The keys that tokens are signed with (Ed25519, RFC 8037): the newest signs, older ones verify until they are done."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy import BindParameter, ColumnElement, Float, bindparam, func, select
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Link, SigningKey
from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from cdss_api.errors import Unavailable
from cdss_api.secret_files import write_secret
from neuronova.contract.grants import KeyChange
from neuronova.contract.token import LIFETIME, Claims, sign

# A token may be signed a moment after its key was replaced.
_SLACK = 60.0


class Keyring:
    """The private keys' folder beside the public keys' table."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sign(self, session: Session, claims: Claims) -> tuple[str, str]:
        """Return a token for `claims` and the identifier of the key that signed it."""
        key_id = self._newest(session)
        if key_id is None:
            raise Unavailable("there is no signing key; start the platform once with `neuronova run`")
        try:
            private = _private_key(self._file(key_id))
        except FileNotFoundError:
            raise Unavailable("the newest signing key is not on this machine; copy keys/signing") from None
        return sign(claims, private, key_id), key_id

    def public_keys(self, session: Session, now: float) -> Mapping[str, Ed25519PublicKey]:
        """Return the keys whose tokens are accepted."""
        return {key_id: _public_key(x) for key_id, x in _valid(session, now)}

    def jwks(self, session: Session, now: float) -> dict[str, object]:
        """Return them as a JWK Set (RFC 7517 5, RFC 8037 2)."""
        common = {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA"}
        return {"keys": [{**common, "kid": key_id, "x": x} for key_id, x in _valid(session, now)]}

    def prepare(self, work: Work) -> None:
        """Make the first key, or one in place of a key whose file is gone."""
        work.alone()
        newest = self._newest(work.session)
        if newest is None or not self._file(newest).is_file():
            self.rotate(work)

    def rotate(self, work: Work) -> str:
        """Sign with a new key from now on; the others verify until the last of their tokens has expired."""
        work.alone()
        for old in work.session.scalars(select(SigningKey).where(SigningKey.until.is_(None))):
            old.until = _last_expiry(work, old.key_id) + _SLACK
        self._withdraw(work)
        key_id, private = secrets.token_hex(8), Ed25519PrivateKey.generate()
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_secret(self._file(key_id), pem)
        x = _base64url(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        work.session.add(SigningKey(key_id=key_id, x=x, created_at=work.now, until=None))
        work.publish(KeyChange(key_id=key_id, x=x))
        work.record(Action.KEY_ROTATE, key=key_id)
        return key_id

    def _withdraw(self, work: Work) -> None:
        for done in work.session.scalars(select(SigningKey).where(SigningKey.until < work.now)):
            self._file(done.key_id).unlink(missing_ok=True)
            work.publish(KeyChange(key_id=done.key_id, x=None))
            work.session.delete(done)

    def _newest(self, session: Session) -> str | None:
        return session.scalar(select(SigningKey.key_id).where(SigningKey.until.is_(None)))

    def _file(self, key_id: str) -> Path:
        return self._folder / f"{key_id}.pem"


def _valid(session: Session, now: float) -> list[tuple[str, str]]:
    return [(key_id, x) for key_id, x in session.execute(_VALID, {"now": now})]


def accepted(now: BindParameter[float]) -> ColumnElement[bool]:
    """Return the condition under which a key's tokens are accepted at a moment."""
    return SigningKey.until.is_(None) | (SigningKey.until > now)


_VALID = (
    select(SigningKey.key_id, SigningKey.x)
    .where(accepted(bindparam("now", type_=Float)))
    .order_by(SigningKey.until.is_not(None), SigningKey.created_at.desc())
)


def _last_expiry(work: Work, key_id: str) -> float:
    links = select(func.max(Link.expires_at)).where(Link.key_id == key_id, Link.revoked_at.is_(None))
    return max(work.now + LIFETIME, work.session.scalar(links) or 0.0)


@lru_cache(maxsize=32)
def _private_key(file: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Unavailable(f"{file} is no Ed25519 key")
    return key


@lru_cache(maxsize=32)
def _public_key(x: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
