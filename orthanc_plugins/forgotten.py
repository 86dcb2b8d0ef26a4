"""References that Orthanc's Python plugin forgets: of what each request brings it counts one too many.

Version 4.0, Debian 12's, so keeps the headers and the body of every request for ever: a STOW-RS of 150 MB takes 150 MB
of memory that only a restart gives back. Later versions forget none.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from orthanc_plugins.threads import forget_error

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

_give_back = ctypes.pythonapi.Py_DecRef
_give_back.restype, _give_back.argtypes = None, (ctypes.py_object,)
_call = ctypes.pythonapi.PyObject_Call
_call.restype, _call.argtypes = ctypes.py_object, (ctypes.py_object,) * 3


def _count(*_args: Any, **given: Any) -> int:
    return sys.getrefcount(given["it"])


def _count_below(held: Mapping[str, Any]) -> int:
    return sys.getrefcount(held["it"])


# How often something new is counted when all is well: an argument of a call from C, as Orthanc's are, and what a
# dictionary has. It depends on the interpreter, and is asked of it.
_OF_ARGUMENT: int = _call(_count, (), {"it": []})
_OF_VALUE = _count_below({"it": []})


def given_back(callback: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Return a callback of HTTP requests, registered as it is, that gives back what the plugin has forgotten.

    What is counted once too often, when nobody but the caller has seen it, was forgotten. What is shared, as an empty
    body is, is counted many times and left alone.
    """

    @wraps(callback)
    def call(*args: _Given.args, **given: _Given.kwargs) -> _Result:
        forget_error()  # or the first line below would raise it (see `threads.kept`)
        for name in given:  # noqa: PLC0206  a second name for a value would count as well
            if isinstance(given[name], dict):
                _give_back_values(given[name])  # type: ignore[arg-type]
            if sys.getrefcount(given[name]) == _OF_ARGUMENT + 1:
                _give_back(given[name])
        return callback(*args, **given)

    return call


def _give_back_values(held: Mapping[str, Any]) -> None:
    for name in held:
        if sys.getrefcount(held[name]) == _OF_VALUE + 1:
            _give_back(held[name])
