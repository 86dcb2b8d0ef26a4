"""Posting what is written down to the API, in batches, until it has answered."""

from __future__ import annotations

import http.client
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from orthanc_plugins.following import SILENT, ask_api

log = logging.getLogger(__name__)

PAUSE = 0.5  # seconds between two tries while the API does not answer
LARGEST_REQUEST = 600_000  # bytes; the API takes a mebibyte
# Of all other answers another try may have another end; 404 is an API that does not know the address yet.
GIVEN_UP = frozenset({http.client.BAD_REQUEST, http.client.REQUEST_ENTITY_TOO_LARGE, http.client.UNPROCESSABLE_ENTITY})

Told = TypeVar("Told")


@dataclass(frozen=True, kw_only=True)
class Outgoing(Generic[Told]):
    """What waits to be told: the oldest first from `waiting`, forgotten by `answered`.

    `path` is below `/api/v1/internal/`, a request has at most `most` messages, and `request` gives its JSON.
    """

    path: str
    most: int
    waiting: Callable[[int], list[Told]]
    answered: Callable[[list[Told]], None]
    request: Callable[[list[Told]], dict[str, Any]]


class Posting(Generic[Told]):
    """Sends what waits; used by one thread."""

    def __init__(self, outgoing: Outgoing[Told], port: int, key: Path) -> None:
        self._outgoing = outgoing
        self._port = port
        self._key = key
        self._failures = 0
        self._next_try = 0.0

    def send(self) -> bool:
        """Post a batch; return whether more waits."""
        if time.monotonic() < self._next_try:
            return True
        path = self._outgoing.path
        batch, body = self._batch()
        if not batch:
            return False
        try:
            status, answer = ask_api(self._port, self._key, "POST", path, body)
            if status != http.client.OK and status not in GIVEN_UP:
                raise OSError(f"the API answers {status}")
        except (OSError, http.client.HTTPException) as error:
            self._failures += 1
            self._next_try = time.monotonic() + PAUSE
            if self._failures == SILENT:
                log.warning("%s: the API does not answer (%r); what changed is told once it does", path, error)
            return True
        self._failures = 0
        if status in GIVEN_UP:
            log.error("%s: the API takes no such thing (%d): %s", path, status, answer[:500].decode(errors="replace"))
        self._outgoing.answered(batch)
        return bool(self._outgoing.waiting(1))

    def _batch(self) -> tuple[list[Told], bytes]:
        """Return as many of the first messages as a request may hold, one at least, and the request."""
        batch = self._outgoing.waiting(self._outgoing.most)
        body = self._body(batch)
        while len(batch) > 1 and len(body) > LARGEST_REQUEST:
            batch = batch[: len(batch) // 2]
            body = self._body(batch)
        return batch, body

    def _body(self, batch: list[Told]) -> bytes:
        return json.dumps(self._outgoing.request(batch), ensure_ascii=False).encode()
