"""Following the API by long polling, in a thread that waits and does little else."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

KEY_HEADER = "X-Neuronova-Service-Key"
WAIT = 20  # seconds that the API holds a request which has nothing to tell
TIMEOUT = 30.0  # seconds
PAUSE = 0.3  # seconds between two tries: what is granted right after the API came back has to hold within one
LONG_PAUSE = 5.0
SILENT = 10  # tries in vain, of which only then the log is told
LARGEST = 256 << 20  # bytes of one answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """What is followed: `take_in` is given the JSON that the API answers to `version`, and raises ValueError at odd.

    `meanwhile` tells the log what holds while the API is silent.
    """

    name: str
    version: Callable[[], object]
    take_in: Callable[[Any], None]
    meanwhile: str


class Follower:
    """Keeps what is followed up to date from `start` until the process ends."""

    def __init__(self, followed: Followed, port: int, key: Path) -> None:
        self._followed = followed
        self._port = port
        self._key = key

    def start(self) -> None:
        """Begin to follow."""
        threading.Thread(target=self._follow, name=self._followed.name, daemon=True).start()

    def _follow(self) -> None:
        name, failures = self._followed.name, 0
        while True:
            try:
                self._ask()
                if failures >= SILENT:
                    log.warning("%s: the API answers again", name)
                failures = 0
            except (OSError, http.client.HTTPException, ValueError) as error:
                failures += 1
                if failures == SILENT:
                    log.warning("%s: the API does not answer (%r); %s", name, error, self._followed.meanwhile)
                time.sleep(PAUSE)
            except Exception:  # a full disk, a database that is away: without this thread nobody would be let in
                log.exception("%s: what the API said could not be taken in; trying again", name)
                time.sleep(LONG_PAUSE)

    def _ask(self) -> None:
        path = f"{self._followed.name}?since={self._followed.version()}&wait={WAIT}"
        status, body = ask_api(self._port, self._key, "GET", path)
        if status != http.client.OK:
            raise OSError(f"the API answers {status}")
        self._followed.take_in(json.loads(body))


def ask_api(port: int, key: Path, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Ask the API below `/api/v1/internal/`, by the plugin's service key in the file `key`; return status and answer.

    Raises:
        OSError, http.client.HTTPException: it does not answer, or there is no key yet.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        headers = {KEY_HEADER: key.read_text().strip()} | ({"Content-Type": "application/json"} if body else {})
        connection.request(method, f"/api/v1/internal/{path}", body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(LARGEST)
    finally:
        connection.close()
