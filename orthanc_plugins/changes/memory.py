"""What may have changed in Orthanc since it was looked at, by units (studies, or series): one SQLite file.

A unit is `touched` by whatever may have changed it, until it is looked at. A subclass brings its own tables; one is
`told`, whose column `unit` has Orthanc's identifiers of the units that the API was told of or that need no telling.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from orthanc_plugins.sqlite_file import SqliteFile

SCHEMA = """
CREATE TABLE cursor (sequence INTEGER NOT NULL, writer TEXT NOT NULL, events INTEGER NOT NULL) STRICT;
CREATE TABLE member (resource TEXT PRIMARY KEY, unit TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX member_unit ON member (unit);
CREATE TABLE gone (resource TEXT PRIMARY KEY, at REAL NOT NULL) STRICT;
CREATE TABLE touched (unit TEXT PRIMARY KEY, first REAL NOT NULL, last REAL NOT NULL) STRICT;
"""
GRACE = 30.0  # seconds that a deletion is kept whose unit is not known yet


class Touched(SqliteFile):
    """The file; each method is one transaction, and the threads of the plugin share it."""

    def __init__(self, path: Path, schema: str, version: int, upgrades: Mapping[int, str] | None = None) -> None:
        super().__init__(path, SCHEMA + schema, version, upgrades)
        with self.transaction() as db:
            if db.execute("SELECT 1 FROM cursor").fetchone() is None:
                db.execute("INSERT INTO cursor VALUES (0, ?, 0)", (secrets.token_hex(8),))

    def sequence(self) -> int:
        """Return the number of Orthanc's last change that was taken in."""
        ((sequence,),) = self.rows("SELECT sequence FROM cursor")
        return int(sequence)

    def take_in(self, after: int, members: Mapping[str, str], now: float) -> None:
        """Touch the units of new resources (resource to unit) and move the cursor to `after`, together."""
        with self.transaction() as db:
            remember(db, members)
            touch(db, set(members.values()), now)
            db.execute("UPDATE cursor SET sequence = ?", (after,))

    def touch(self, units: Iterable[str], now: float) -> None:
        """Note units that are to be looked at."""
        with self.transaction() as db:
            touch(db, units, now)

    def bury(self, resource: str, now: float) -> None:
        """Note a deletion, which the feed never tells; at once, for nothing else remembers it."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (resource, now))

    def unit_of(self, resource: str) -> str | None:
        """Return the unit that a resource was last seen in."""
        rows = self.rows("SELECT unit FROM member WHERE resource = ?", (resource,))
        return str(rows[0][0]) if rows else None

    def take_deletions(self, now: float) -> None:
        """Touch the units of what was deleted; what is of no known unit is looked at again for a while."""
        with self.transaction() as db:
            known = "SELECT unit FROM member JOIN gone USING (resource)"
            own = "SELECT unit FROM told JOIN gone ON unit = resource"
            touch(db, {row[0] for row in db.execute(f"{known} UNION {own}")}, now)
            db.execute(
                "DELETE FROM gone WHERE at < ? OR resource IN (SELECT resource FROM member)"
                " OR resource IN (SELECT unit FROM told)",
                (now - GRACE,),
            )

    def is_anything_touched(self) -> bool:
        """Tell whether a unit waits to be looked at."""
        return bool(self.rows("SELECT 1 FROM touched LIMIT 1"))

    def reconcile(self, pages: Iterable[list[str]], now: float) -> int:
        """Compare with the units that Orthanc has, in `pages`; touch what only one side knows; return how many."""
        present = {unit for page in pages for unit in page}
        with self.transaction() as db:
            known = {row[0] for row in db.execute("SELECT DISTINCT unit FROM told")}
            waiting = {row[0] for row in db.execute("SELECT unit FROM touched")}
            differing = (present ^ known) - waiting
            touch(db, differing, now)
        return len(differing)


def new_writer(db: sqlite3.Connection) -> None:
    """Take another name within a transaction: the numbers of messages after a restore were used before it."""
    db.execute("UPDATE cursor SET writer = ?", (secrets.token_hex(8),))


def touch(db: sqlite3.Connection, units: Iterable[str], now: float) -> None:
    """Note within a transaction that units are to be looked at."""
    db.executemany(
        "INSERT INTO touched VALUES (?, ?, ?) ON CONFLICT (unit) DO UPDATE SET last = excluded.last",
        [(unit, now, now) for unit in sorted(units)],
    )


def remember(db: sqlite3.Connection, members: Mapping[str, str]) -> None:
    """Note within a transaction which unit each resource is in."""
    db.executemany("INSERT OR REPLACE INTO member VALUES (?, ?)", members.items())


def next_name(db: sqlite3.Connection) -> tuple[str, int]:
    """Return the writer and the next number of what it tells."""
    writer, number = db.execute("UPDATE cursor SET events = events + 1 RETURNING writer, events").fetchone()
    return str(writer), int(number)
