"""Holding a process for the length of a block, and letting it go whatever becomes of this one.

Run as a program it is the keeper: it stops a process, says so, and lets it go on when its own standard input ends.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuronova.platform.errors import PlatformError

_STOPPED = 5.0  # seconds until a process that was told to stop has
HELD = b"held\n"


@contextmanager
def held(process: int, longest: float) -> Iterator[None]:
    """Hold a process for the length of the block, and for `longest` seconds at most.

    Raises:
        PlatformError: it cannot be held, or was let go before the block ended.
    """
    command = [sys.executable, "-m", "neuronova.backup.holding", str(process), str(longest)]
    # In a session of its own: a Ctrl-C ends the block, and with it this program's input.
    keeper = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    if keeper.stdin is None or keeper.stdout is None:
        raise AssertionError("both were asked for")
    if keeper.stdout.readline() != HELD:
        _, errors = keeper.communicate()
        said = (errors.decode(errors="replace").strip().splitlines() or ["?"])[-1]
        raise PlatformError(f"process {process} cannot be held for the copy of Orthanc's index ({said})")
    try:
        yield
    finally:
        keeper.communicate()
    if keeper.returncode != 0:
        raise PlatformError(f"Orthanc's index could not be copied within {longest:.0f} s; try again at a calmer time")


def hold(process: int, longest: float) -> bool:
    """Stop a process until standard input ends; return False where that took longer than `longest` seconds."""
    # By a descriptor of its own: another process may have the number by the time it is let go.
    descriptor = os.pidfd_open(process)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGSTOP)
        end = time.monotonic() + _STOPPED
        while not _is_stopped(process):
            if time.monotonic() > end:
                raise TimeoutError("it does not stop")
            time.sleep(0.002)
        os.write(1, HELD)
        return bool(select.select([0], [], [], longest)[0])
    finally:
        signal.pidfd_send_signal(descriptor, signal.SIGCONT)


def _is_stopped(process: int) -> bool:
    """Tell whether every thread of a process has stopped (proc(5): state T)."""
    threads = Path(f"/proc/{process}/task").glob("*/stat")
    return all(stat.read_text().rpartition(")")[2].split()[0] in "TXZ" for stat in threads)


if __name__ == "__main__":
    sys.exit(0 if hold(int(sys.argv[1]), float(sys.argv[2])) else 1)
