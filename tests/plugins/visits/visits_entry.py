"""An Orthanc that tells the number of the interpreter's state in which it answers; each new state has another."""

import ctypes
from typing import Any

import orthanc

from orthanc_plugins.threads import kept

current = ctypes.pythonapi.PyThreadState_Get
current.restype, current.argtypes = ctypes.c_void_p, ()
number = ctypes.pythonapi.PyThreadState_GetID
number.restype, number.argtypes = ctypes.c_uint64, (ctypes.c_void_p,)


def tell(output: Any, _uri: str, **_given: Any) -> None:
    output.AnswerBuffer(str(number(current())), "text/plain")


def let_pass(_uri: str, **_given: Any) -> bool:
    return True


orthanc.RegisterIncomingHttpRequestFilter(kept(let_pass))
orthanc.RegisterRestCallback("/visits/(.*)", kept(tell))
