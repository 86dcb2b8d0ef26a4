"""Group commit: threads that write at the same time share one commit, and with it one wait for the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence


class Batch:
    """What one call writes: then the number of its first record, or why it was not written."""

    __slots__ = ("failure", "first", "stored", "turn")

    def __init__(self, stored: Sequence[bytes]) -> None:
        self.stored = stored
        self.first: int | None = None
        self.failure: Exception | None = None
        self.turn = threading.Lock()  # free once the batch is done, or is to lead
        self.turn.acquire()

    @property
    def done(self) -> bool:
        """Whether it was written or has failed."""
        return self.first is not None or self.failure is not None


class Group:
    """One thread leads: it commits all that stand in the queue, wakes them, and hands on to the first come since.

    A lock that all wait for would do, but then each is woken only to find its work done, one after the other.
    """

    def __init__(self, commit: Callable[[Sequence[Batch]], None]) -> None:
        self._commit = commit
        self._lock = threading.Lock()
        self._queue: list[Batch] = []
        self._led = False

    def run(self, batch: Batch) -> None:
        """Return once `batch` is done, by this thread or another."""
        with self._lock:
            self._queue.append(batch)
            leads, self._led = not self._led, True
        if not leads:
            batch.turn.acquire()
        if not batch.done:
            self._lead()

    def _lead(self) -> None:
        with self._lock:
            batches, self._queue = self._queue, []
        try:
            self._commit(batches)
        except BaseException as error:
            for batch in batches:
                batch.first, batch.failure = None, error if isinstance(error, Exception) else RuntimeError(repr(error))
            if not isinstance(error, Exception):
                raise
        finally:
            for batch in batches[1:]:  # the first is this thread's own
                batch.turn.release()
            with self._lock:
                if self._queue:
                    self._queue[0].turn.release()
                else:
                    self._led = False
