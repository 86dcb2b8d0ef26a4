"""The public keys of clients (JWK Sets, RFC 7517): given at registration, or fetched from the client's address."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests

from neuronova.contract.loopback import is_loopback

ALGORITHMS = ("RS384", "ES384", "EdDSA")  # SMART App Launch 2.2 asks for the first two
_KEY_TYPES: Mapping[str, tuple[str, str | None]] = {
    "RS384": ("RSA", None),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
}
LARGEST = 65536  # bytes of a set
MOST_KEYS = 20
SMALLEST_RSA = 2048  # bits
LONGEST_URL = 2048
_TIMEOUT = 5.0  # seconds for all of a fetch
_HOLDS = 300.0  # seconds that a fetched set is taken for current
_PAUSE = 10.0  # seconds between two fetches for a key that is not in the set


class BadKeys(ValueError):
    """A set of keys is none, or cannot be had; the message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key of a set, with the one algorithm that it is used with."""

    key_id: str
    algorithm: str
    key: Any


def read_keys(value: object) -> list[PublicKey]:
    """Return the keys of a JWK Set that we can verify with; others are passed over (RFC 7517 5).

    Raises:
        BadKeys: it is no set, is too large, holds a private key, or has no key for us.
    """
    listed = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_KEYS:
        raise BadKeys(f"a JWK Set has a member keys with 1 to {MOST_KEYS} keys")
    if len(json.dumps(value)) > LARGEST:
        raise BadKeys(f"a JWK Set has at most {LARGEST} bytes")
    if any(isinstance(one, dict) and ("d" in one or "k" in one) for one in listed):
        raise BadKeys("a private key is in the set; register the public half alone")
    keys = [key for one in listed for key in _keys_of(one)]
    if not keys:
        raise BadKeys(f"no key with a kid and of {', '.join(ALGORITHMS)} is in the set")
    return keys


def _keys_of(member: object) -> list[PublicKey]:
    """Return a member of a set, if it is a key for us."""
    if not isinstance(member, dict) or member.get("use", "sig") != "sig":
        return []
    key_id = member.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= 255:
        return []
    for algorithm, (kind, curve) in _KEY_TYPES.items():
        fits = member.get("kty") == kind and (curve is None or member.get("crv") == curve)
        if not fits or member.get("alg", algorithm) != algorithm:
            continue
        try:
            key = jwt.PyJWK(member, algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError):
            return []
        if kind == "RSA" and key.key_size < SMALLEST_RSA:
            return []
        return [PublicKey(key_id, algorithm, key)]
    return []


def checked_url(text: str) -> str:
    """Return the address of a JWK Set; raises BadKeys unless it is https, or http on this machine."""
    try:
        parts = urlsplit(text)
        port_is_odd = parts.port == 0
    except ValueError:
        raise BadKeys("this is no address") from None
    host = parts.hostname or ""
    if not host or port_is_odd or parts.username is not None or parts.fragment or len(text) > LONGEST_URL:
        raise BadKeys(f"an address has a host, no login, no fragment and at most {LONGEST_URL} characters")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise BadKeys("an address is printable ASCII without spaces")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise BadKeys("keys are fetched by https, or by http from this machine")
    return text


@dataclass(slots=True)
class _Fetched:
    keys: list[PublicKey]
    at: float


@dataclass(slots=True)
class FetchedKeys:
    """Sets of keys by address, each kept for some minutes and fetched anew for a key that it lacks."""

    now: Callable[[], float]
    _sets: dict[str, _Fetched] = field(default_factory=dict)
    _locks: dict[str, Lock] = field(default_factory=dict)

    def find(self, url: str, key_id: str) -> PublicKey | None:
        """Return the key of this identifier; raises BadKeys where the set cannot be had."""
        known = self._sets.get(url)
        age = _HOLDS if known is None else self.now() - known.at
        if known is not None and 0 <= age < _HOLDS:
            key = by_id(known.keys, key_id)
            if key is not None or age < _PAUSE:
                return key
        with self._locks.setdefault(url, Lock()):  # one fetch for all that wait for it
            if self._sets.get(url) is known:
                self._sets[url] = _Fetched(read_keys(_fetch(url)), self.now())
            return by_id(self._sets[url].keys, key_id)


def by_id(keys: list[PublicKey], key_id: str) -> PublicKey | None:
    """Return the key of this identifier."""
    return next((key for key in keys if key.key_id == key_id), None)


def _fetch(url: str) -> object:
    """Return the JSON at an address; raises BadKeys for what is too slow, too large or no JSON."""
    deadline = time.monotonic() + _TIMEOUT
    body = b""
    try:
        with requests.get(
            url, timeout=_TIMEOUT, stream=True, allow_redirects=False, headers={"Accept": "application/json"}
        ) as answer:
            if answer.status_code != 200:
                raise BadKeys(f"the address of the keys answers {answer.status_code}")
            for chunk in answer.iter_content(8192):
                body += chunk
                if len(body) > LARGEST or time.monotonic() > deadline:
                    raise BadKeys("the set of keys is too large, or comes too slowly")
        value: object = json.loads(body)
    except (requests.RequestException, ValueError, RecursionError) as odd:
        if isinstance(odd, BadKeys):
            raise
        raise BadKeys(f"the keys cannot be fetched ({type(odd).__name__})") from None
    return value
