"""Counts of all processes of the API: each keeps its own in a file, and whoever is asked adds them up.

The file is that of the process's place, not of its pid: the next process in it counts on, so that no count ever falls.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector

from neuronova.contract.settings import Settings

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name
# The library maps a file with holes, and a process that writes into one on a full disk is killed (SIGBUS). One series
# takes about 5 kB.
_ROOM = 8 << 20


def share_counts(settings: Settings, place: str) -> None:
    """Have this process count in the file of `place`, which no other living process has, from now on."""
    folder = _folder(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / f"histogram_{place}.db").open("ab") as file:  # as the library names it
        os.posix_fallocate(file.fileno(), 0, _ROOM)
    os.environ[_FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: place)


def forget_counts(settings: Settings) -> None:
    """Begin anew: another version may count otherwise."""
    shutil.rmtree(_folder(settings), ignore_errors=True)


def registry_of_counts(told: CollectorRegistry) -> CollectorRegistry | None:
    """Return where this process registers its counts so that `told` tells those of all: nowhere if they are shared."""
    if _FOLDER not in os.environ:
        return told
    MultiProcessCollector(told)
    return None


def _folder(settings: Settings) -> Path:
    return settings.data / "run" / "counts"
