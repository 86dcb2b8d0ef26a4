"""Being the one process that does something: by a lock on a file, which the kernel frees when its holder is killed."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_EVERY = 0.2  # seconds


@contextmanager
def alone(file: Path, stop: threading.Event) -> Iterator[None]:
    """Wait until no other process is in the block, or for `stop`."""
    with file.open("w") as held:
        while not stop.is_set():
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                stop.wait(_LOOK_EVERY)
        yield
