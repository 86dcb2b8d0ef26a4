"""Several things asked at once within one deadline; what has not ended by then is reported, and not asked again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome(Generic[T]):
    """What came of one task: a value, or an error, or neither where it has not ended in time.

    `seconds` is how long it took, or has taken so far; `age` how many seconds ago it was begun.
    """

    value: T | None = None
    error: Exception | None = None
    seconds: float
    age: float
    ended: bool


@dataclass(slots=True)
class _Asking(Generic[T]):
    began: float
    done: threading.Event = field(default_factory=threading.Event)
    seconds: float = 0.0
    value: T | None = None
    error: Exception | None = None


class SideBySide(Generic[T]):
    """Tasks by name, each with a thread of its own while it is asked: at most one thread a task, however it hangs."""

    def __init__(
        self,
        tasks: Mapping[str, Callable[[], T]],
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.deadline = deadline
        self._tasks = dict(tasks)
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: dict[str, _Asking[T]] = {}

    def run(self) -> dict[str, Outcome[T]]:
        """Ask all tasks, and wait until they have ended or `deadline` seconds after each was begun.

        What somebody else asks at this moment is not asked twice: both have the same outcome.
        """
        with self._lock:
            asked = {name: self._ask(name) for name in self._tasks}
        for one in asked.values():
            one.done.wait(max(0.0, one.began + self.deadline - self._clock()))
        return {name: self._outcome(one) for name, one in asked.items()}

    def _ask(self, name: str) -> _Asking[T]:
        known = self._asked.get(name)
        if known is not None and not known.done.is_set():
            return known
        made = self._asked[name] = _Asking(self._clock())
        # Not of a pool: its threads would be waited for when the process ends, and a task that hangs never ends.
        threading.Thread(target=self._do, args=(self._tasks[name], made), name=name, daemon=True).start()
        return made

    def _do(self, task: Callable[[], T], asking: _Asking[T]) -> None:
        try:
            asking.value = task()
        except Exception as error:
            asking.error = error
        finally:
            asking.seconds = self._clock() - asking.began
            asking.done.set()

    def _outcome(self, one: _Asking[T]) -> Outcome[T]:
        age = self._clock() - one.began
        if not one.done.is_set():
            return Outcome(seconds=age, age=age, ended=False)
        return Outcome(value=one.value, error=one.error, seconds=one.seconds, age=age, ended=True)
