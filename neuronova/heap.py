"""The heap of a process: glibc keeps what was freed, in pieces between what is in use, until it is told not to."""

from __future__ import annotations

import ctypes
import threading
import time

EVERY = 30.0  # seconds, as Orthanc does it for itself since 1.11.3


def trim() -> None:
    """Give whole pages that are free back to the system (malloc_trim(3)); elsewhere than on glibc, do nothing."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(ctypes.c_size_t(0))


def trim_regularly(every: float = EVERY) -> None:
    """Trim the heap every so many seconds as long as the process lasts."""
    threading.Thread(target=_keep_trimming, args=(every,), name="heap", daemon=True).start()


def _keep_trimming(every: float) -> None:
    while True:
        time.sleep(every)
        trim()
