"""Follows the API's worklist by long polling, in a thread that waits and does little else."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from pathlib import Path

from neuronova.contract.worklist import from_json
from orthanc_plugins.access.follower import KEY_HEADER, LARGEST, PAUSE, SILENT, TIMEOUT, WAIT
from orthanc_plugins.worklist.entries import Entries

log = logging.getLogger(__name__)

PATH = "/api/v1/internal/worklist"


class Follower:
    """Keeps the entries up to date from `start` until the process ends."""

    def __init__(self, entries: Entries, port: int, key: Path) -> None:
        self._entries = entries
        self._port = port
        self._key = key
        self._thread = threading.Thread(target=self._follow, name="worklist", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def _follow(self) -> None:
        failures = 0
        while True:
            try:
                self._ask()
                if failures >= SILENT:
                    log.warning("worklist: the API answers again")
                failures = 0
            except (OSError, http.client.HTTPException, ValueError) as error:
                failures += 1
                if failures == SILENT:
                    log.warning("worklist: the API does not answer (%r); the last one known is served", error)
                time.sleep(PAUSE)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        try:
            headers = {KEY_HEADER: self._key.read_text().strip()}
            connection.request("GET", f"{PATH}?since={self._entries.version}&wait={WAIT}", headers=headers)
            answer = connection.getresponse()
            body = answer.read(LARGEST)
            if answer.status != http.client.OK:
                raise OSError(f"the API answers {answer.status}")
        finally:
            connection.close()
        self._entries.apply(from_json(json.loads(body)))
