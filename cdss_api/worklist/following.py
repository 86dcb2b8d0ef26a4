"""The worklist as it now is, worked out again only when something has changed."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import asdict

from cdss_api.database import Database
from cdss_api.worklist.reading import State, read_entries, state_of
from neuronova.contract.worklist import Entry, Update

_LOOK_EVERY = 0.2  # seconds; another process may have made the change, so there is nothing to wake up by
_SHARE = 10  # what takes long to read is looked at less often, so that a tenth of the time at most goes into it
_LATEST = 5.0  # seconds between two looks, however long one takes
_OLDEST = 30.0  # seconds after which it is read anew: were a clock set back, a change might look like none


class Worklist:
    """The entries that this process read last; its threads share them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._state: State | None = None
        self._entries: tuple[Entry, ...] = ()
        self.version = ""
        self._read = 0.0
        self._took = 0.0

    @property
    def pause(self) -> float:
        """Seconds until a reader who knows the present version looks for the next."""
        return pause_after(self._took)

    def update(self, since: str) -> Update:
        """Return what a reader of version `since` does not know: nothing, or everything."""
        with self._lock:
            self._look()
            if since == self.version:
                return Update(version=since, full=False, entries=())
            return Update(version=self.version, full=True, entries=self._entries)

    def _look(self) -> None:
        now = time.monotonic()
        with self._database.reading() as session:
            state = state_of(session)
            if state == self._state and now - self._read < _OLDEST:
                return
            self._entries = read_entries(session)
        self._state, self._read = state, now
        self.version = version_of(self._entries)
        self._took = time.monotonic() - now


def pause_after(took: float) -> float:
    """Return how many seconds to wait after a reading that took `took` seconds."""
    return min(max(_LOOK_EVERY, _SHARE * took), _LATEST)


def version_of(entries: tuple[Entry, ...]) -> str:
    """Return the digest of a worklist: the same in every process and after every restart."""
    written = json.dumps([asdict(entry) for entry in entries], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()[:32]
