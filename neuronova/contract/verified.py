"""Tokens whose signature was verified: it is looked at once, for its verification costs more than most answers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from neuronova.contract.token import Claims, key_of, verify

MOST = 1024  # some 2 kB each; services make one for each of their calls, and these push out the others


class Verified(NamedTuple):
    """What a token says and which key signed it: a key that is withdrawn takes its tokens with it."""

    claims: Claims
    key_id: str


class VerifiedTokens:
    """The newest of them, in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Verified] = OrderedDict()

    def get(self, token: str) -> Verified | None:
        """Return what is known of a token; whether it is current and its key still holds is for the caller to see."""
        with self._lock:
            return self._kept.get(token)

    def verify(self, token: str, keys: Mapping[str, Ed25519PublicKey], now: float) -> Verified:
        """Verify a token and remember it.

        Raises:
            BadToken: as `neuronova.contract.token.verify` does.
        """
        verified = Verified(verify(token, keys, now), key_of(token))
        with self._lock:
            self._kept[token] = verified
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return verified
