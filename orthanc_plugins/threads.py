"""Orthanc's threads, as Python's interpreter knows them."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

_kept: set[int] = set()  # by identifier: thread-local data would be left behind in what nobody ever ends
forget_error = ctypes.pythonapi.PyErr_Clear
forget_error.restype, forget_error.argtypes = None, ()


def kept(callback: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Return the filter of HTTP requests, whose thread keeps what the interpreter made for it.

    Orthanc calls from threads of its own. For each call the interpreter makes such a thread a state and a stack, memory
    that is mapped and unmapped under all other threads, and a request has two calls: its filter's and its handler's.
    Orthanc's HTTP threads are a fixed number and last as long as the process, so each holds on to its state by
    acquiring the interpreter once more than it releases it
    (https://docs.python.org/3/c-api/init.html#c.PyGILState_Ensure).

    With the state stays what else would have gone with it: the error of a call that failed on its way to Python (a path
    that is no UTF-8). It is forgotten first, or this call would raise it. That is enough for requests, whose filter
    comes first and is told all that their handlers are. It is not for callbacks of DICOM: the plugin makes objects for
    those before it calls, and it crashes where an error is left. Nor is it for newer interpreters: Debian 13's (3.13)
    crashes at its end where a thread has left its state.
    """
    if sys.version_info >= (3, 12):
        return callback

    @wraps(callback)
    def call(*args: _Given.args, **given: _Given.kwargs) -> _Result:
        forget_error()
        thread = threading.get_ident()
        if thread not in _kept:
            ctypes.pythonapi.PyGILState_Ensure()
            _kept.add(thread)
        return callback(*args, **given)

    return call
