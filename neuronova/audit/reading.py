"""Reading a journal's file, in any process and while it is written: one snapshot for the length of a `with` block."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from neuronova.audit.files import connect
from neuronova.audit.tables import SCHEMA, SCHEMA_VERSION
from neuronova.contract.audit import Record, genesis, read_event

_LAST = 2**63 - 1  # that SQLite can count
_ENTRIES = "SELECT sequence, previous, hash, event FROM record"


class BadJournal(Exception):
    """The file is no audit journal that this program can read."""


class Entry(NamedTuple):
    """A record as it lies in the file."""

    sequence: int
    previous: str
    hash: str
    event: str


class Raw(NamedTuple):
    """The same, not even held to be text."""

    sequence: int
    previous: bytes
    hash: bytes
    event: bytes


class Reader:
    """One snapshot of a journal.

    Raises:
        BadJournal: the file is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.db = connect(path, reading=True)
        except sqlite3.Error as error:
            raise BadJournal(f"cannot open {path}: {error}") from error
        try:
            self.db.execute("BEGIN")
            self.writer, self.id = self._name()
        except (sqlite3.Error, TypeError, ValueError) as error:
            self.db.close()
            raise BadJournal(f"{path} is no audit journal: {error}") from error

    def _name(self) -> tuple[str, str]:
        (version,) = self.db.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:
            raise ValueError(f"version {version}; this program reads version {SCHEMA_VERSION}")
        writer, journal = self.db.execute("SELECT writer, id FROM journal").fetchone()
        return str(writer), str(journal)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.db.close()

    @property
    def genesis(self) -> str:
        """What the first record follows."""
        return genesis(self.writer, self.id)

    def as_made(self) -> bool:
        """Tell whether tables, columns, indexes and triggers are still those that a journal is made with."""
        found = {row[0] for row in self.db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
        return found == set(SCHEMA)

    def entries(self, after: int = 0, until: int = _LAST, *, limit: int = -1) -> Iterator[Entry]:
        """Yield the records behind `after`, as far as `until`, in order, and at most `limit` of them."""
        statement = f"{_ENTRIES} WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?"
        rows = self.db.execute(statement, (after, until, limit))
        return map(Entry._make, rows)

    def raw(self, after: int = 0) -> Iterator[tuple[int, bytes, bytes, bytes]]:
        """Yield the records behind `after` in order, as bytes."""
        return self.db.execute(
            "SELECT sequence, CAST(previous AS BLOB), CAST(hash AS BLOB), CAST(event AS BLOB) FROM record"
            " WHERE sequence > ? ORDER BY sequence",
            (after,),
        )

    def last(self) -> Entry | None:
        """Return the last record."""
        row = self.db.execute(f"{_ENTRIES} ORDER BY sequence DESC LIMIT 1").fetchone()
        return None if row is None else Entry._make(row)

    def count(self, after: int = 0) -> int:
        """Return how many records there are behind `after`."""
        # Each by itself is a look at one end of the table; both in one query read all of it.
        ends = "SELECT (SELECT min(sequence) FROM record), (SELECT max(sequence) FROM record)"
        first, last = self.db.execute(ends).fetchone()
        return 0 if last is None else max(0, last - max(after, first - 1))

    def record(self, entry: Entry) -> Record:
        """Return what a record says."""
        return Record(
            writer=self.writer,
            sequence=entry.sequence,
            event=read_event(entry.event),
            previous=entry.previous,
            hash=entry.hash,
        )


def journals(folder: Path) -> list[Path]:
    """Return the journals' files of a folder, by their writers' names."""
    return sorted(folder.glob("*.db"))
