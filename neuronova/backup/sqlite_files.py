"""Copies of SQLite files that are being written, and whether such a file is whole."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from neuronova.platform.errors import PlatformError

_BUSY = 30.0  # seconds that a writer may hold the file


def snapshot(source: Path, target: Path) -> None:
    """Copy a database as it stands at one moment, while others write it; `target` is one file afterwards.

    Raises:
        PlatformError: it cannot be read.
    """
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing)
    except sqlite3.Error as error:
        raise PlatformError(f"the database {source} cannot be copied ({error})") from None
    alone(target)


def alone(path: Path) -> None:
    """Bring what lies in a copy's write-ahead log into its file.

    Raises:
        PlatformError: it is no database.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        raise PlatformError(f"{path} is no database that can be read ({error})") from None
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.chmod(0o600)


def faults_of(path: Path) -> list[str]:
    """Return what is wrong with a database, in SQLite's own words; nothing where it is whole."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            said = [str(row[0]) for row in db.execute("PRAGMA integrity_check(10)")]
    except sqlite3.Error as error:
        return [str(error)]
    return [] if said == ["ok"] else said


def sha256_of(path: Path) -> str:
    """Return the digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
