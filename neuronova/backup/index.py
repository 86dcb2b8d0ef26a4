"""Orthanc's index: copied while Orthanc writes it, and what it says is stored.

Orthanc keeps SQLite's exclusive lock on its index as long as it runs, so that no other process may read it by SQLite.
Its two files are copied as bytes instead. That is a state of the database if no page moved from the write-ahead log
into the main file meanwhile: the main file's time of change and the log's header (its salt, which each new round of
the log changes) are then as before, and a record that was only half written has no valid checksum. Where that does
not come about by itself, Orthanc is held for the copy.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from neuronova.backup.holding import held
from neuronova.backup.sqlite_files import alone
from neuronova.platform.errors import PlatformError

ATTEMPTS = 3  # without holding anybody
LONGEST_HOLD = 60.0  # seconds
_WAL_HEADER = 32  # bytes: https://sqlite.org/fileformat2.html#the_wal_file
# The kernel's clock for files moves in steps: a write in the step of the last one would leave the time as it was.
_CLOCK_STEP = 0.05  # seconds
_LOCK_BYTES = (0x40000000, 512)  # where SQLite locks a file: PENDING, RESERVED and SHARED
_FLOCK = "@hhqqi4x"  # struct flock of fcntl(2)

PATIENT, STUDY, SERIES, INSTANCE = 1, 2, 3, 4  # Resources.resourceType


class Attached(NamedTuple):
    """A stored file: `uuid` is its name, `size` its bytes on disk, `md5` their digest, empty where not known."""

    uuid: str
    size: int
    md5: str


class Counts(NamedTuple):
    """How much an index says is stored."""

    patients: int
    studies: int
    series: int
    instances: int
    files: int
    bytes: int


class _State(NamedTuple):
    inode: int
    size: int
    changed: int
    log: bytes


def copy_index(source: Path, target: Path, *, attempts: int = ATTEMPTS) -> float:
    """Copy the index of an Orthanc that may run; return for how many seconds it was held.

    Raises:
        PlatformError: it cannot be copied.
    """
    for _ in range(attempts):
        _wait_for_the_clock(source)
        if _copied(source, target):
            alone(target)
            return 0.0
    owner = _owner(source)
    if owner is None:
        raise PlatformError(f"{source} changes and no process of this machine holds it; is it on a share?")
    with held(owner, LONGEST_HOLD):
        began = time.monotonic()
        if not _copied(source, target):
            raise PlatformError(f"{source} changes though Orthanc (process {owner}) is held; who else writes it?")
        took = time.monotonic() - began
    alone(target)
    return took


def counts_of(index: Path) -> Counts:
    """Return how much a copy of an index says is stored."""
    with _reading(index) as db:
        numbers = dict(db.execute("SELECT resourceType, count(*) FROM Resources GROUP BY resourceType"))
        files, size = db.execute("SELECT count(*), coalesce(sum(compressedSize), 0) FROM AttachedFiles").fetchone()
    patients, studies, series, instances = (numbers.get(kind, 0) for kind in (PATIENT, STUDY, SERIES, INSTANCE))
    return Counts(patients, studies, series, instances, files, size)


def attached_files(index: Path) -> Iterator[Attached]:
    """Yield the stored files that a copy of an index names."""
    with _reading(index) as db:
        rows = db.execute("SELECT uuid, compressedSize, coalesce(compressedMD5, '') FROM AttachedFiles ORDER BY uuid")
        for uuid, size, md5 in rows:
            yield Attached(str(uuid), int(size), str(md5))


def public_ids(index: Path, kind: int) -> Iterator[str]:
    """Yield Orthanc's identifiers of the resources of a kind."""
    with _reading(index) as db:
        for (public_id,) in db.execute("SELECT publicId FROM Resources WHERE resourceType = ?", (kind,)):
            yield str(public_id)


def path_of(storage: Path, uuid: str) -> Path:
    """Return where Orthanc keeps a stored file."""
    return storage / uuid[:2] / uuid[2:4] / uuid


def _reading(index: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"{index.absolute().as_uri()}?mode=ro&immutable=1", uri=True))


def _wait_for_the_clock(source: Path) -> None:
    try:
        age = time.time() - source.stat().st_mtime
    except FileNotFoundError:
        raise PlatformError(f"there is no index {source}; has the platform been started once?") from None
    if 0 <= age < _CLOCK_STEP:
        time.sleep(_CLOCK_STEP - age)


def _copied(source: Path, target: Path) -> bool:
    """Copy both files; tell whether together they are a state of the database."""
    log, copied_log = (path.with_name(path.name + "-wal") for path in (source, target))
    copied_log.unlink(missing_ok=True)
    try:
        before = _state(source, log)
        shutil.copyfile(source, target)
        if before.log:
            shutil.copyfile(log, copied_log)
        return before == _state(source, log)
    except FileNotFoundError:  # the log goes when Orthanc ends
        return False
    except OSError as error:
        raise PlatformError(f"{source} cannot be copied ({error.strerror})") from None


def _state(source: Path, log: Path) -> _State:
    status = source.stat()
    try:
        with log.open("rb") as file:
            header = file.read(_WAL_HEADER)
    except FileNotFoundError:
        header = b""
    return _State(status.st_ino, status.st_size, status.st_mtime_ns, header)


def _owner(source: Path) -> int | None:
    """Return the process that holds SQLite's lock on a database."""
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, *_LOCK_BYTES, 0)
    with source.open("rb+") as file:
        kind, *_, process = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    return None if kind == fcntl.F_UNLCK or process <= 0 else int(process)
