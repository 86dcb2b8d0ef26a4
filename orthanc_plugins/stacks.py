"""How much stack the threads of Orthanc have: DCMTK reads an item in an item by calling itself."""

from __future__ import annotations

import ctypes

SIZE = 64 << 20
"""Bytes, of which a thread has in memory what it has touched; the system's default is 8 MiB."""

_ATTRIBUTES = 64  # bytes: more than a pthread_attr_t has on any platform


def enlarge(size: int = SIZE) -> None:
    """Give each thread that begins from now on a stack of so many bytes, unless it asks for another.

    Raises:
        OSError: the C library does not take it.
    """
    library = ctypes.CDLL(None)
    attributes = ctypes.create_string_buffer(_ATTRIBUTES)
    for failed in (
        library.pthread_attr_init(attributes),
        library.pthread_attr_setstacksize(attributes, ctypes.c_size_t(size)),
        library.pthread_setattr_default_np(attributes),
    ):
        if failed:
            raise OSError(failed, "the stack of threads cannot be enlarged")
