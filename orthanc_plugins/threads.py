"""Orthanc's threads, as Python's interpreter knows them."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

_thread = threading.local()


def kept(callback: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Return a callback whose thread keeps what the interpreter made for it.

    Orthanc calls from threads of its own. For each call the interpreter makes such a thread a state and a stack, memory
    that is mapped and unmapped under all other threads, and a request has two calls: its filter's and its handler's.
    Orthanc's threads are a fixed number and last as long as the process, so each holds on to its state by acquiring the
    interpreter once more than it releases it (https://docs.python.org/3/c-api/init.html#c.PyGILState_Ensure).
    """

    @wraps(callback)
    def call(*args: _Given.args, **given: _Given.kwargs) -> _Result:
        if not hasattr(_thread, "kept"):
            ctypes.pythonapi.PyGILState_Ensure()
            _thread.kept = True
        return callback(*args, **given)

    return call
