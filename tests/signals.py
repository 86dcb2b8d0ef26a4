"""Processes that are killed, or stopped for a while."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress


def kill(pids: Collection[int]) -> None:
    """Kill processes at once, those first that would start others again."""
    for pid in sorted(pids):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def frozen(pids: Collection[int]) -> Iterator[None]:
    """Stop processes for the length of a block: the kernel takes their connections, and nobody answers."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
