"""The faults, each for the length of a block."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from proof.chaos.clock import Clock
from proof.hospital import Hospital
from proof.parts import MODELS, PARTS
from tests.signals import frozen, kill
from tests.wire import Mode, Wire

KILLED = {part: title for part, title in PARTS.items() if part != MODELS} | {"everything": ""}
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What faults act on: the platform, its disk, and the wires to its database and to the EMR."""

    hospital: Hospital
    disk: Path
    database: Wire
    emr: Wire
    clock: Clock | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong for `seconds`; 0 is over at once."""

    name: str
    strikes: Callable[[Surroundings], AbstractContextManager[None]]
    seconds: float = 0.0


def every(where: Surroundings) -> Mapping[str, Fault]:
    """Return the faults that can be had here, by name."""
    faults = [Fault(f"kill -9 {part}", _killing(title)) for part, title in KILLED.items()]
    faults += [
        Fault("disk full to the reserve", lambda one: _full(one.disk, _reserve(one) - 2 * _MIB), 10),
        Fault("disk full to the last byte", lambda one: _full(one.disk, 0), 10),
        Fault("EMR cut off", lambda one: one.emr.being(Mode.CUT), 15),
        Fault("EMR silent", lambda one: one.emr.being(Mode.SILENT), 15),
        Fault("inference silent", lambda one: frozen(_pids(one.hospital, PARTS["inference"])), 15),
        Fault("database slow", lambda one: one.database.being(Mode.SLOW), 15),
        Fault("database silent", lambda one: one.database.being(Mode.SILENT), 10),
        Fault("database cut off", lambda one: one.database.being(Mode.CUT), 10),
    ]
    if where.clock is not None:
        clock = where.clock
        faults += [
            Fault("clock two minutes ahead, and back", lambda _: clock.ahead(120), 10),
            Fault("clock two minutes behind, and back", lambda _: clock.ahead(-120), 10),
        ]
    return {fault.name: fault for fault in faults}


def _killing(title: str) -> Callable[[Surroundings], AbstractContextManager[None]]:
    @contextmanager
    def killed(where: Surroundings) -> Iterator[None]:
        kill(_pids(where.hospital, title))
        yield

    return killed


def _pids(hospital: Hospital, title: str) -> list[int]:
    return [pid for pid, command in hospital.platform.pids().items() if title in command]


def _reserve(where: Surroundings) -> int:
    return where.hospital.platform.settings.disk_reserve * _MIB


@contextmanager
def _full(disk: Path, left: int) -> Iterator[None]:
    """Fill a disk but for `left` bytes, and keep it so."""
    ballast = disk / "ballast"
    try:
        with ballast.open("ab") as file:
            room = os.statvfs(disk)
            with suppress(OSError):  # somebody else was faster
                os.posix_fallocate(file.fileno(), 0, max(1, room.f_bavail * room.f_frsize - left))
        yield
    finally:
        ballast.unlink()


@contextmanager
def disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """Make a folder a disk of its own (root only)."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def strike(fault: Fault, where: Surroundings, seconds: float) -> None:
    """Have a fault happen, and be over after some seconds."""
    with fault.strikes(where):
        time.sleep(seconds)
