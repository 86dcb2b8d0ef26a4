"""Which processes of the API answer: each writes its pid at its place once it is about to."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from neuronova.contract.settings import Settings
from neuronova.platform.layout import Layout


def say_present(settings: Settings, place: str) -> None:
    """Write down that this process answers."""
    folder = _folder(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / place).write_text(str(os.getpid()))


def present(settings: Settings) -> set[int]:
    """Return the processes that answer."""
    written = [file.read_text() for file in _folder(settings).glob("*")]
    return {int(pid) for pid in written if pid.isdecimal() and _is_of_the_api(int(pid), settings.data)}


def _is_of_the_api(pid: int, data: Path) -> bool:
    """Tell whether a pid is still that of a process of ours, and not another's that came after it.

    By its command, which names a folder of ours: the environment of one with capabilities is for root alone.
    """
    with suppress(OSError):
        started_by = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return b"cdss_api.wsgi:app" in started_by and os.fsencode(Layout(data).temporary) in started_by
    return False


def _folder(settings: Settings) -> Path:
    return settings.data / "run" / "api"
