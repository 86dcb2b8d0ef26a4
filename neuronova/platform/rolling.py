"""A rolling restart of the API: each of its processes is replaced once another one answers in its stead."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from cdss_api.app import create_app
from cdss_api.database import require_current
from cdss_api.errors import Unavailable
from cdss_api.present import present
from cdss_api.starting import open_service
from neuronova.contract.settings import Settings
from neuronova.platform.errors import PlatformError
from neuronova.platform.preparing import Say

_DEADLINE = 120.0  # seconds until a new process answers, and until an old one has ended; a busy machine takes long
_LOOK_EVERY = 0.1


def replace_api(settings: Settings, say: Say) -> None:
    """Replace every process of the running API, one after the other.

    Raises:
        PlatformError: the API does not run, what is installed cannot take its place, or a process does not come or go.
    """
    old = present(settings)
    parents = {parent for pid in old if (parent := _parent(pid)) is not None}
    if len(parents) != 1:
        raise PlatformError(f"the API does not run on {settings.data}; start it with `neuronova run` or its service")
    (master,) = parents
    _require_sound(settings)
    for number in range(1, len(old) + 1):
        _replace_one(settings, master)
        say(f"  {number} of {len(old)} replaced")


def _replace_one(settings: Settings, master: int) -> None:
    before = present(settings)
    _tell(master, signal.SIGTTIN)  # gunicorn: one more process
    _until(lambda: present(settings) - before, "a new process of the API does not answer")
    _tell(master, signal.SIGTTOU)  # one less: the oldest, once it has answered what it was asked
    _until(lambda: before - _alive(before), "an old process of the API does not end")


def _tell(master: int, what: signal.Signals) -> None:
    try:
        os.kill(master, what)
    except ProcessLookupError:
        raise PlatformError("the API ended while its processes were replaced; its log says why") from None


def _require_sound(settings: Settings) -> None:
    """See that a process of what is installed would come up: gunicorn ends all of them where one does not."""
    try:
        service = open_service(settings)
        with closing(service.database):
            require_current(service.database)
            create_app(service)
    except Unavailable as why:
        raise PlatformError(str(why)) from None


def _alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


def _parent(pid: int) -> int | None:
    """Return a process's parent (proc(5), the fourth field of stat), None where the process has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return None


def _until(condition: Callable[[], object], otherwise: str) -> None:
    deadline = time.monotonic() + _DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise PlatformError(f"{otherwise} within {_DEADLINE:.0f} s; its log says why")
        time.sleep(_LOOK_EVERY)
