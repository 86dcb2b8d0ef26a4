"""A journal's file: opened by SQLite, made once, and locked by its one writer."""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import time
from pathlib import Path

from neuronova.audit.tables import SCHEMA, SCHEMA_VERSION

_BUSY = 30.0  # seconds that another connection, one that cuts, may hold the file
_RETRY = 0.05


class JournalFailed(Exception):
    """The audit journal could not be written: what was to be recorded must not happen."""


class JournalInUse(JournalFailed):
    """Another process writes this journal."""


def connect(path: Path, *, reading: bool = False) -> sqlite3.Connection:
    """Open a journal's file, which has to exist."""
    address = f"{path.absolute().as_uri()}?mode={'ro' if reading else 'rw'}"
    return sqlite3.connect(address, uri=True, timeout=_BUSY, isolation_level=None, check_same_thread=False)


def lock(path: Path, patience: float) -> int:
    """Return the descriptor that holds a journal's lock; closing it gives the journal free.

    Raises:
        JournalInUse: another process holds it still after `patience` seconds.
        JournalFailed: there can be no such file.
    """
    # A file of its own: closing any descriptor of the database's would end SQLite's locks on it.
    until = time.monotonic() + patience
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise JournalFailed(f"cannot open the audit journal {path}: {error}") from error
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError as error:
            if time.monotonic() >= until:
                os.close(descriptor)
                raise JournalInUse(f"another process writes the audit journal {path}") from error
            time.sleep(_RETRY)


def make(path: Path, writer: str) -> None:
    """Make the journal where there is none yet; what a crash left half made has no version and is made again."""
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = connect(path)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if db.execute("PRAGMA user_version").fetchone() == (0,):
            db.execute("BEGIN IMMEDIATE")
            for statement in SCHEMA:
                db.execute(statement)
            db.execute("INSERT INTO journal VALUES (?, ?)", (writer, secrets.token_hex(16)))
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.execute("COMMIT")
            sync_folder(path.parent)
    finally:
        db.close()


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def identity(path: Path) -> tuple[int, int]:
    """Return what tells this file from another of the same name."""
    status = path.stat()
    return status.st_dev, status.st_ino
