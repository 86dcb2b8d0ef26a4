"""Signed documents: a JSON object, the identifier of a key, and its Ed25519 signature (RFC 8032) over the rest."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from neuronova.audit.files import sync_folder
from neuronova.contract.audit import canonical

PRIVATE, PUBLIC = "key.pem", "key.pub"
Keys = Mapping[str, Ed25519PublicKey]
Document = dict[str, Any]


class BadDocument(Exception):
    """A document is unreadable, or not signed with a key that is trusted."""


class BadKey(Exception):
    """There is no key, or it is none."""


class Signer:
    """Signs with one key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key_id = key_id(key.public_key())

    @property
    def keys(self) -> Keys:
        """The key to verify with."""
        return {self.key_id: self._key.public_key()}

    def sign(self, document: Mapping[str, Any]) -> Document:
        """Return the document with the key's identifier and the signature."""
        named = {**document, "key": self.key_id}
        return {**named, "signature": base64.b64encode(self._key.sign(canonical(named))).decode()}


def verified(document: Mapping[str, Any], keys: Keys) -> Document:
    """Return a document without its signature, which is one of `keys`'.

    Raises:
        BadDocument: it is not.
    """
    content = {name: value for name, value in document.items() if name != "signature"}
    try:
        keys[document["key"]].verify(base64.b64decode(document["signature"], validate=True), canonical(content))
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise BadDocument("it is not signed with a known key") from None
    except InvalidSignature:
        raise BadDocument("its signature is wrong") from None
    return content


def parsed(data: bytes, keys: Keys) -> Document:
    """Return what a file of a signed document says.

    Raises:
        BadDocument: nothing that is signed.
    """
    try:
        document = json.loads(data)
    except ValueError:
        raise BadDocument("it is no JSON") from None
    if not isinstance(document, dict):
        raise BadDocument("it is no JSON object")
    return verified(document, keys)


def key_id(key: Ed25519PublicKey) -> str:
    """Return a key's identifier: the first half of its SHA-256."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:32]


def signer_of(folder: Path) -> Signer:
    """Return the signer with the key in `folder`, which is made at first use."""
    file = folder / PRIVATE
    if not file.is_file():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with contextlib.suppress(FileExistsError):  # another process made one meanwhile
            write_once(file, pem)
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise BadKey(f"cannot read {file}: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(f"{file} is no Ed25519 key")
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with contextlib.suppress(FileExistsError):
        write_once(folder / PUBLIC, public)
    return Signer(key)


def read_keys(file: Path) -> Keys:
    """Return the public key of a PEM file, to verify with."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadKey(f"cannot read {file}: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey(f"{file} is no Ed25519 key")
    return {key_id(key): key}


def write_once(file: Path, data: bytes) -> None:
    """Write a file, whole and on disk, for its owner alone.

    Raises:
        FileExistsError: there is one of this name.
    """
    partial = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        file.hardlink_to(partial)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(file.parent)


def time_text(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def time_of(text: str) -> float:
    """Read a time with zone.

    Raises:
        ValueError: it is none.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment.timestamp()
