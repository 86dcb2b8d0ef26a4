"""A SQLite file of the plugin's own: opened, made or refused, and changed in transactions."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


class SqliteFile:
    """One process's connection to a file, which its threads share."""

    def __init__(self, path: Path, schema: str, version: int, upgrades: Mapping[int, str] | None = None) -> None:
        """Open a file, and make its tables where it is new; `upgrades` has the statements that lead on from a version.

        Raises:
            RuntimeError: it is of another version.
        """
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        if self._version() == version:
            return  # without a write's turn, for which a reader may wait behind those who work in the background
        with self.transaction() as db:
            found = self._version()
            if found == 0:
                for statement in schema.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {version}")
            while 0 < found < version and found in (upgrades or {}):
                for statement in (upgrades or {})[found].split(";"):
                    db.execute(statement)
                found += 1
                db.execute(f"PRAGMA user_version = {found}")
            if found not in (0, version):
                raise RuntimeError(f"{path} has version {found}; this program reads version {version}")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do several things or none."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._lock:
            return self._db.execute(statement, parameters).fetchall()
