"""Many files into the archive at once, in an order that an interruption cannot confuse."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from neuronova.importing.outcome import Outcome, Refused, Result
from neuronova.importing.places import Place, places_below
from neuronova.importing.taking import Taken, Taking
from neuronova.importing.zips import members_of

SAVE_EVERY = 1.0  # seconds
_AHEAD = 4  # files for each job that wait for it


@dataclass
class Tally:
    """How many files ended how, and how many of them an earlier run had done; bytes are of stored objects."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    sizes: Counter[Outcome] = field(default_factory=Counter)
    before: int = 0


Moved = Callable[[int, int], None]
"""Told of files that are done: by how many bytes the work has come on, and by how many it has grown."""


@dataclass
class Run:
    """One run of an import: `jobs` files at a time."""

    taking: Taking
    jobs: int
    scratch: Path
    moved: Moved = lambda _done, _more: None
    again: bool = False
    tally: Tally = field(default_factory=Tally)
    _saved: float = 0.0

    def all_of(self, roots: Sequence[Path]) -> Tally:
        """Take in everything below the roots; return how it ended.

        Raises:
            PlatformError: the platform does not answer any more; what was done is saved.
        """
        executor = ThreadPoolExecutor(self.jobs, thread_name_prefix="import")
        try:
            zips: list[Place] = []
            self._drain(executor, (one for root in roots for one in places_below(root, self.taking.limits)), zips)
            for place in zips:
                self._unzip(executor, place)
            return self.tally
        finally:
            self.taking.door.end()
            executor.shutdown(cancel_futures=True)
            self.taking.journal.save()

    def _unzip(self, executor: ThreadPoolExecutor, place: Place) -> None:
        try:
            with members_of(place, self.taking.limits, self.scratch) as members:
                self.moved(place.size, sum(one.size for one in members))
                self._drain(executor, members, [])
        except Refused as refused:
            self._note(place, Result(outcome=Outcome.FAILED, reason=str(refused), size=place.size))

    def _drain(self, executor: ThreadPoolExecutor, places: Iterable[Place], zips: list[Place]) -> None:
        waiting: dict[Future[Taken], Place] = {}
        try:
            for place in self._undone(places):
                waiting[executor.submit(self.taking.take, place)] = place
                if len(waiting) >= self.jobs * _AHEAD:
                    self._collect(waiting, zips)
            while waiting:
                self._collect(waiting, zips)
        except BaseException:
            self.taking.door.end()
            for future in waiting:
                future.cancel()
            for future in wait(waiting).done:  # what was on its way is noted, so that it is not sent again
                if not future.cancelled() and future.exception() is None:
                    self._noted(waiting[future], future.result(), [])
            raise

    def _undone(self, places: Iterable[Place]) -> Iterator[Place]:
        for place in places:
            before = None if self.again else self.taking.journal.done_before(place)
            if before is None:
                yield place
            else:
                self.tally.before += 1
                self._count(before)

    def _collect(self, waiting: dict[Future[Taken], Place], zips: list[Place]) -> None:
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            taken = future.result()
            self._noted(waiting.pop(future), taken, zips)
        if time.monotonic() - self._saved >= SAVE_EVERY:
            self.taking.journal.save()
            self._saved = time.monotonic()

    def _noted(self, place: Place, taken: Taken, zips: list[Place]) -> None:
        if taken.result is None:
            zips.append(place)
            return
        self._note(place, taken.result)
        for path in taken.missing:
            lost = Place(key=path, size=0, modified=0, opened=place.opened)
            self._note(lost, Result(outcome=Outcome.FAILED, reason="the DICOMDIR names it, and it is not there"))

    def _note(self, place: Place, result: Result) -> None:
        self.taking.journal.note(place, result)
        self._count(result)

    def _count(self, result: Result) -> None:
        self.tally.outcomes[result.outcome] += 1
        self.tally.sizes[result.outcome] += result.size
        self.moved(result.size, 0)
