"""Passwords: argon2id hashes (RFC 9106), and the same work where there is none to compare with."""

from __future__ import annotations

import threading
from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# 19 MiB and two passes: OWASP's choice for a server that answers many logins at once.
STANDARD = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_AT_ONCE = 2  # hashing takes a whole core


class Hasher(Protocol):
    """What argon2.PasswordHasher does."""

    def hash(self, password: str) -> str:
        """Return a salted hash."""

    def verify(self, hash: str, password: str) -> bool:
        """Return True or raise."""


class Passwords:
    """Hashes and compares, a few at a time."""

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self._turn = threading.BoundedSemaphore(_AT_ONCE)
        self._nobodys = hasher.hash("the password of nobody")

    def hash(self, password: str) -> str:
        """Return what is kept in the password's place."""
        with self._turn:
            return self._hasher.hash(password)

    def match(self, kept: str | None, password: str) -> bool:
        """Tell whether `password` is the one of `kept`; without one it takes the same time and is wrong."""
        with self._turn:
            try:
                self._hasher.verify(kept or self._nobodys, password)
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None
