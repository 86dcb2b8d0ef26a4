"""What the platform acknowledged: the word that it is held to."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from proof.chaos.examination import Examination


@dataclass(slots=True)
class Ledger:
    """Acknowledgements by kind; written by many threads."""

    orders: dict[Examination, str] = field(default_factory=dict)  # the ServiceRequest's id
    images: dict[str, Examination] = field(default_factory=dict)  # by SOPInstanceUID
    whole: set[Examination] = field(default_factory=set)  # of which all images are acknowledged
    reports: set[str] = field(default_factory=set)  # studies with a signed one
    seen: set[tuple[str, str]] = field(default_factory=set)  # username, study: a frame was shown
    wrong: list[str] = field(default_factory=list)  # what was shown and is not what was sent
    asked: Counter[str] = field(default_factory=Counter)  # by how it ended
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ordered(self, examination: Examination, request: str) -> None:
        """Note an order that was taken."""
        with self._lock:
            self.orders[examination] = request

    def stored(self, examination: Examination, instances: list[str]) -> None:
        """Note images that were taken."""
        with self._lock:
            self.images.update(dict.fromkeys(instances, examination))

    def sent(self, examination: Examination) -> None:
        """Note that all images of an examination were taken."""
        with self._lock:
            self.whole.add(examination)

    def signed(self, study: str) -> None:
        """Note a report that was taken."""
        with self._lock:
            self.reports.add(study)

    def shown(self, username: str, study: str) -> None:
        """Note that a frame was answered to somebody."""
        with self._lock:
            self.seen.add((username, study))

    def differs(self, what: str) -> None:
        """Note what was shown and is not what was sent."""
        with self._lock:
            self.wrong.append(what)

    def count(self, outcome: str) -> None:
        """Count what was asked by how it ended."""
        with self._lock:
            self.asked[outcome] += 1

    def readable(self) -> list[Examination]:
        """Return the examinations that are whole, in the order of their numbers."""
        with self._lock:
            return sorted(self.whole, key=lambda one: one.number)
