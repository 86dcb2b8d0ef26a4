"""Follows the API's grants by long polling, in a thread that waits and does little else."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from neuronova.contract.grants import from_json
from orthanc_plugins.access.ledger import Ledger

log = logging.getLogger(__name__)

PATH = "/api/v1/internal/grants"
KEY_HEADER = "X-Neuronova-Service-Key"
WAIT = 20  # seconds that the API holds a request which has nothing to tell
TIMEOUT = 30.0  # seconds
PAUSE = 0.3  # seconds between two tries: what is granted right after the API came back has to hold within one
SILENT = 10  # tries in vain, of which only then the log is told
LARGEST = 256 << 20  # bytes of one answer


class Follower:
    """Keeps a ledger up to date from `start` until the process ends."""

    def __init__(self, ledger: Ledger, port: int, key: Path, clock: Callable[[], float] = time.time) -> None:
        self._ledger = ledger
        self._port = port
        self._key = key
        self._clock = clock
        self._thread = threading.Thread(target=self._follow, name="grants", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def _follow(self) -> None:
        failures = 0
        while True:
            try:
                self._ask()
                if failures >= SILENT:
                    log.warning("grants: the API answers again")
                failures = 0
            except (OSError, http.client.HTTPException, ValueError) as error:
                failures += 1
                if failures == SILENT:
                    log.warning("grants: the API does not answer (%r); what is known holds for a while", error)
                time.sleep(PAUSE)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        try:
            version = self._ledger.version
            headers = {KEY_HEADER: self._key.read_text().strip()}
            connection.request("GET", f"{PATH}?since={version}&wait={WAIT}", headers=headers)
            answer = connection.getresponse()
            body = answer.read(LARGEST)
            if answer.status != http.client.OK:
                raise OSError(f"the API answers {answer.status}")
            update = from_json(json.loads(body))
        finally:
            connection.close()
        now = self._clock()
        if update.full or update.changes or update.version != version:
            self._ledger.apply(update, now)
        else:
            self._ledger.heard_again(now)
