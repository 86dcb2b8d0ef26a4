"""Writing an audit journal: what `append` returned is on disk, and everyone who appends at once shares one commit."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from neuronova.audit.files import JournalFailed, connect, identity, lock, make, sync_folder
from neuronova.audit.group import Batch, Group
from neuronova.audit.tables import SCHEMA_VERSION
from neuronova.contract.audit import Event, chained, digest, event_bytes, genesis, require_writer


class AuditJournal:
    """The one writer of a journal; its threads share it, other processes may read the file meanwhile.

    A file that another process writes is waited for `patience` seconds: a restart's two processes may overlap.
    """

    def __init__(self, path: Path, writer: str, *, patience: float = 0.0) -> None:
        self.path = path
        self.writer = require_writer(writer)
        self._group = Group(self._commit)
        self._open_or_closed = threading.Lock()
        self._closed = False
        self._db: sqlite3.Connection | None = None
        self._sequence, self._hash = 0, ""
        self._file = (0, 0)
        self._lock: int | None = lock(path, patience)
        try:
            make(path, writer)
            self.id = self._open()
        except (sqlite3.Error, OSError, JournalFailed) as error:
            self.close()
            raise JournalFailed(f"cannot open the audit journal {path}: {error}") from error

    def append(self, *events: Event) -> list[int]:
        """Write `events` one after the other, durably, and return their sequence numbers.

        Raises:
            JournalFailed: none of them counts as written; the next call tries to go on.
        """
        if not events:
            return []
        batch = Batch([event_bytes(event) for event in events])
        self._group.run(batch)
        if batch.first is None:
            raise JournalFailed(f"cannot write the audit journal {self.path}: {batch.failure}") from batch.failure
        return list(range(batch.first, batch.first + len(events)))

    def close(self) -> None:
        """Close the file and let another process write it."""
        with self._open_or_closed:
            self._closed = True
            self._forget()
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _commit(self, batches: Sequence[Batch]) -> None:
        with self._open_or_closed:
            if self._closed:
                raise JournalFailed("it is closed")
            try:
                self._write(self._opened(), batches)
            except BaseException:
                # A commit that failed may yet be found in the file: what was written is read again from there.
                self._forget()
                raise

    def _write(self, db: sqlite3.Connection, batches: Sequence[Batch]) -> None:
        self._require_same_file()
        sequence, previous, rows, firsts = self._sequence, self._hash, [], []
        for batch in batches:
            firsts.append(sequence + 1)
            for stored in batch.stored:
                sequence += 1
                its_hash = chained(self.writer, sequence, previous, digest(stored))
                rows.append((sequence, previous, its_hash, stored.decode()))
                previous = its_hash
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO record (sequence, previous, hash, event) VALUES (?, ?, ?, ?)", rows)
        db.execute("COMMIT")
        self._sequence, self._hash = sequence, previous
        for batch, first in zip(batches, firsts, strict=True):
            batch.first = first

    def _open(self) -> str:
        db = connect(self.path)
        try:
            journal = self._read(db)
            self._file = identity(self.path)
            sync_folder(self.path.parent)  # which names the write-ahead log by now
        except BaseException:
            db.close()
            raise
        self._db = db
        return journal

    def _read(self, db: sqlite3.Connection) -> str:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:
            raise JournalFailed(f"it has version {version}; this program writes version {SCHEMA_VERSION}")
        writer, journal = db.execute("SELECT writer, id FROM journal").fetchone()
        if writer != self.writer:
            raise JournalFailed(f"it is the audit journal of {writer}, not of {self.writer}")
        last = db.execute("SELECT sequence, hash FROM record ORDER BY sequence DESC LIMIT 1").fetchone()
        self._sequence, self._hash = last or (0, genesis(writer, journal))
        return str(journal)

    def _opened(self) -> sqlite3.Connection:
        if self._db is None and self._open() != self.id:
            self._forget()
        if self._db is None:
            raise JournalFailed("another journal lies in its place")
        return self._db

    def _require_same_file(self) -> None:
        # A file that was removed can still be written, and nobody would ever read it.
        if identity(self.path) != self._file:
            raise JournalFailed("the file was replaced")

    def _forget(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):  # it is given up, whatever state it is in
                self._db.close()
            self._db = None
