"""The heap of a process: glibc keeps what was freed, in pieces between what is in use, until it is told not to."""

from __future__ import annotations

import ctypes
import threading
import time

EVERY = 30.0  # seconds, as Orthanc does it for itself since 1.11.3
_LARGE = 1 << 20  # bytes
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)


def trim() -> None:
    """Give whole pages that are free back to the system (malloc_trim(3)); elsewhere than on glibc, do nothing."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(ctypes.c_size_t(0))


def give_back_what_is_large() -> None:
    """Have whatever is large go back to the system when it is freed (mallopt(3)); elsewhere than on glibc, do nothing.

    glibc raises its own threshold up to 32 MiB with each large piece that is freed, and then keeps one for each thread:
    eight logins at once, of 19 MiB each for argon2, left 150 MiB for ever, which malloc_trim does not reach.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_TRIM_THRESHOLD, _LARGE)


def trim_regularly(every: float = EVERY) -> None:
    """Keep the heap trimmed, every so many seconds, as long as the process lasts."""
    give_back_what_is_large()
    threading.Thread(target=_keep_trimming, args=(every,), name="heap", daemon=True).start()


def _keep_trimming(every: float) -> None:
    while True:
        time.sleep(every)
        trim()
