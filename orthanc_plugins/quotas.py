"""How much each modality has stored today: one that has reached its daily limit is refused until the next day."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from orthanc_plugins.room import OUT_OF_RESOURCES, SUCCESS
from orthanc_plugins.sdk import ReceivedInstance

log = logging.getLogger(__name__)

_FILE = "received.json"
_EVERY = 5.0  # seconds between two writes: what came since the last is not counted where Orthanc is killed


class Quotas:
    """The bytes of this day, by AE title; days begin at this machine's midnight.

    `limit` tells how many bytes an AE title may store in a day, None for as many as it sends.
    """

    def __init__(
        self, folder: Path, number: int, limit: Callable[[str], int | None], clock: Callable[[], float] = time.time
    ) -> None:
        """Begin with what the `number`th Orthanc wrote down in `folder`; what the others did counts, too."""
        self._file = folder / (_FILE if number == 1 else f"received-{number}.json")
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._day, self._received = _read(self._file)
        self._written = self._looked = 0.0
        self._elsewhere: Mapping[str, int] = {}  # what other Orthancs stored of this day, as they last wrote it down
        self._refused: set[str] = set()  # today

    def received(self, title: str, size: int) -> None:
        """Count an object of `size` bytes that was stored."""
        with self._lock:
            self._begin_day()
            self._received[title] = self._received.get(title, 0) + size
            if self._clock() >= self._written + _EVERY:
                self._write()

    def on_cstore(self, instance: ReceivedInstance) -> int:
        """Answer a modality that sends an object: it keeps what is refused so, and sends it again later."""
        title = instance.GetInstanceRemoteAet()
        limit = self._limit(title)
        if limit is None:
            return SUCCESS
        with self._lock:
            self._begin_day()
            if self._sums().get(title, 0) < limit:
                return SUCCESS
            if title not in self._refused:
                self._refused.add(title)
                log.warning("%s is refused until midnight: it has stored its %d MiB of today", title, limit >> 20)
            return OUT_OF_RESOURCES

    def today(self) -> Mapping[str, int]:
        """Return the bytes that were stored since midnight, by AE title."""
        with self._lock:
            self._begin_day()
            return dict(self._sums())

    def _sums(self) -> Counter[str]:
        now = self._clock()
        if now >= self._looked + _EVERY:
            self._looked = now
            files = (_read(file) for file in self._file.parent.glob("received*.json") if file != self._file)
            self._elsewhere = sum((Counter(received) for day, received in files if day == self._day), Counter())
        return Counter(self._received) + Counter(self._elsewhere)

    def close(self) -> None:
        """Write down what was counted."""
        with self._lock:
            self._write()

    def _begin_day(self) -> None:
        today = date.fromtimestamp(self._clock()).isoformat()
        if today != self._day:
            self._day, self._received, self._refused, self._looked = today, {}, set(), 0.0

    def _write(self) -> None:
        self._written = self._clock()
        scratch = self._file.with_suffix(".new")
        try:
            scratch.write_text(json.dumps({"day": self._day, "received": self._received}))
            scratch.replace(self._file)
        except OSError as error:
            log.warning("what modalities stored today could not be written down: %s", error)


def _read(file: Path) -> tuple[str, dict[str, int]]:
    try:
        found = json.loads(file.read_bytes())
        return str(found["day"]), {str(title): int(size) for title, size in found["received"].items()}
    except FileNotFoundError:
        return "", {}
    except (ValueError, AttributeError, TypeError, KeyError, OSError) as odd:
        log.warning("what modalities stored today begins anew: %s cannot be read (%r)", file, odd)
        return "", {}
