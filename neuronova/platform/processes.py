"""What Linux offers to leave no process behind."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent dies."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal_number: int, parent: int) -> None:
    """Have the kernel send this process `signal_number` when `parent` ends; call it between fork and exec."""
    _prctl(_PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(1)


def children() -> list[int]:
    """Return the process ids of this process's children."""
    thread = threading.main_thread().native_id
    return [int(pid) for pid in Path(f"/proc/self/task/{thread}/children").read_text().split()]


def end_children(except_pid: int | None = None, *, grace: float) -> None:
    """End this process's children and reap them: SIGTERM, and SIGKILL after `grace` seconds."""
    deadline = time.monotonic() + grace
    _signal_children(signal.SIGTERM if grace else signal.SIGKILL, except_pid)
    while _reap(except_pid):
        if time.monotonic() > deadline:
            _signal_children(signal.SIGKILL, except_pid)
        time.sleep(0.05)


def _signal_children(number: signal.Signals, except_pid: int | None) -> None:
    for pid in children():
        if pid != except_pid:
            os.kill(pid, number)  # a child that ended is a zombie until it is reaped: this cannot miss


def _reap(except_pid: int | None) -> bool:
    """Reap the children that ended; return whether any other one is left."""
    left = False
    for pid in children():
        if pid != except_pid:
            left |= os.waitpid(pid, os.WNOHANG) == (0, 0)
    return left
