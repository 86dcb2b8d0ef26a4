"""A worker's tie to the plugin that started it: a pipe on standard input.

The pipe breaks when the plugin's process ends, however it ends, SIGKILL included; the worker then ends at once.
What is written to it means: there is something to do.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

ORPHANED = 3


class Lifeline:
    """Watches standard input from a thread of its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._called = threading.Event()
        self.last_call = clock()
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    def _watch(self) -> None:
        descriptor = sys.stdin.fileno()
        while os.read(descriptor, 65536):
            self.last_call = self._clock()
            self._called.set()
        os._exit(ORPHANED)

    def wait(self, seconds: float) -> None:
        """Sleep until called, or for `seconds`."""
        self._called.wait(seconds)
        self._called.clear()

    def rest(self, seconds: float) -> None:
        """Sleep for `seconds`, called or not: each arrival calls, and to look each time would cost the sender."""
        time.sleep(seconds)
        self._called.clear()

    def quiet_for(self) -> float:
        """Return the seconds since the last call."""
        return self._clock() - self.last_call
