"""The plugin's memory of what is to be encoded and what became of it: one SQLite file, many processes.

Everything in it can be made again from Orthanc's content; what it saves is doing work twice, and losing sight of
work that a crash interrupted. An instance moves: noted in `work` (from the feed, a reconciliation, or a reader who
is already waiting), taken by one owner, and then one row in `outcome`, bound to the digest of the stored file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orthanc_plugins.sqlite_file import SqliteFile

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE cursor (consumer TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;
CREATE TABLE work (
    instance TEXT PRIMARY KEY,
    noted REAL NOT NULL,
    not_before REAL NOT NULL,
    priority INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    again INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX work_order ON work (owner, priority DESC, noted);
CREATE TABLE outcome (
    instance TEXT PRIMARY KEY,
    md5 TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('encoded', 'skipped', 'failed')),
    reason TEXT NOT NULL,
    syntaxes TEXT NOT NULL,
    bytes_before INTEGER NOT NULL,
    bytes_after INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE TABLE touched (series TEXT PRIMARY KEY) STRICT;
"""
BACKGROUND, WANTED = 0, 1
FEED = "encode"
GRACE = 1.0  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one instance.

    `status` is encoded, skipped or failed; `syntaxes` are the transfer syntaxes it can be had in, the best first;
    sizes are bytes of pixel data.
    """

    instance: str
    md5: str
    status: str
    reason: str = ""
    syntaxes: tuple[str, ...] = ()
    bytes_before: int = 0
    bytes_after: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One instance taken by an owner; `attempts` counts the earlier tries."""

    instance: str
    attempts: int


class Journal(SqliteFile):
    """One process's connection to the journal, which its threads share; each method is one transaction."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA, SCHEMA_VERSION)

    # The feed

    def sequence(self) -> int:
        """Return the last number of Orthanc's `/changes` that was taken in."""
        row = self._db.execute("SELECT sequence FROM cursor WHERE consumer = ?", (FEED,)).fetchone()
        return 0 if row is None else int(row[0])

    def take_in(self, before: int, after: int, instances: Iterable[str], now: float) -> bool:
        """Note `instances` and move the cursor from `before` to `after`, together.

        Returns False, and does nothing, where another process moved the cursor in the meantime.
        """
        with self.transaction():
            if self.sequence() != before:
                return False
            self._db.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?)", (FEED, after))
            self._note(instances, now)
            return True

    def note(self, instances: Iterable[str], now: float) -> None:
        """Note instances whose encoding is not known to be done."""
        with self.transaction():
            self._note(instances, now)

    def note_unencoded(self, instances: Iterable[str], now: float, *, retry_failed: bool) -> int:
        """Note those `instances` that have no outcome, and the failed ones on request; return how many were noted."""
        with self.transaction():
            before = self.waiting()[0]
            for instance in instances:
                row = self._db.execute("SELECT status FROM outcome WHERE instance = ?", (instance,)).fetchone()
                if row is None or (retry_failed and row[0] == "failed"):
                    self._note([instance], now)
            return self.waiting()[0] - before

    def _note(self, instances: Iterable[str], now: float) -> None:
        # Its owner may have read the stored file before it was overwritten, so it is looked at again after.
        self._db.executemany(
            "INSERT INTO work (instance, noted, not_before) VALUES (?, ?, ?)"
            " ON CONFLICT (instance) DO UPDATE SET again = 1 WHERE owner IS NOT NULL",
            [(instance, now, now) for instance in instances],
        )

    def bury(self, instance: str, now: float) -> None:
        """Take note of a deletion, which the feed never tells.

        The instance may have come back since, so that it becomes work again and not nothing: whoever takes it
        finds out. Not at once, for Orthanc tells of a deletion a little before it is done.
        """
        with self.transaction():
            self._db.execute("DELETE FROM outcome WHERE instance = ?", (instance,))
            self._note([instance], now)
            self._db.execute("UPDATE work SET not_before = ? WHERE instance = ?", (now + GRACE, instance))

    def reconcile(self, pages: Iterable[list[str]], now: float) -> int:
        """Compare with the instances that Orthanc has, in `pages`; note what differs either way.

        Returns how many were noted.
        """
        self._db.execute("CREATE TEMP TABLE present (instance TEXT PRIMARY KEY) WITHOUT ROWID")
        try:
            for page in pages:
                self._db.executemany("INSERT OR IGNORE INTO present VALUES (?)", [(name,) for name in page])
            with self.transaction():
                differing = [
                    row[0]
                    for row in self._db.execute(
                        "SELECT instance FROM (SELECT instance FROM present EXCEPT SELECT instance FROM outcome"
                        " UNION SELECT instance FROM outcome WHERE instance NOT IN (SELECT instance FROM present))"
                        " WHERE instance NOT IN (SELECT instance FROM work)"
                    )
                ]
                self._note(differing, now)
        finally:
            self._db.execute("DROP TABLE present")
        return len(differing)

    # The work

    def take(self, owner: str, now: float, *, wanted_only: bool = False) -> Work | None:
        """Take the next instance: what a reader waits for first, then the oldest."""
        with self.transaction():
            row = self._db.execute(
                "SELECT instance, attempts FROM work WHERE owner IS NULL AND not_before <= ? AND priority >= ?"
                " ORDER BY priority DESC, noted LIMIT 1",
                (now, WANTED if wanted_only else BACKGROUND),
            ).fetchone()
            if row is None:
                return None
            self._db.execute("UPDATE work SET owner = ? WHERE instance = ?", (owner, row[0]))
            return Work(instance=row[0], attempts=row[1])

    def take_this(self, instance: str, owner: str, now: float) -> Work | None:
        """Take `instance` out of turn; None where somebody has it already."""
        with self.transaction():
            self._note([instance], now)
            row = self._db.execute(
                "UPDATE work SET owner = ? WHERE instance = ? AND owner IS NULL RETURNING attempts",
                (owner, instance),
            ).fetchone()
            return None if row is None else Work(instance=instance, attempts=row[0])

    def hurry(self, instance: str, now: float) -> None:
        """Put `instance` before all that no reader waits for."""
        with self.transaction():
            self._note([instance], now)
            self._db.execute("UPDATE work SET priority = ? WHERE instance = ?", (WANTED, instance))

    def finish(self, outcome: Outcome, now: float) -> None:
        """Record what became of an instance and end its work."""
        with self.transaction():
            self._end_work(outcome.instance, now)
            self._db.execute(
                "INSERT OR REPLACE INTO outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    outcome.instance,
                    outcome.md5,
                    outcome.status,
                    outcome.reason,
                    " ".join(outcome.syntaxes),
                    outcome.bytes_before,
                    outcome.bytes_after,
                    now,
                ),
            )

    def touch(self, series: str) -> None:
        """Note that a series has changed, so that its metadata are to be made."""
        with self.transaction():
            self._db.execute("INSERT OR IGNORE INTO touched VALUES (?)", (series,))

    def take_touched(self) -> str | None:
        """Return one series that has changed, and forget it; a reader makes what nobody made."""
        with self.transaction():
            row = self._db.execute(
                "DELETE FROM touched WHERE series = (SELECT series FROM touched LIMIT 1) RETURNING series"
            ).fetchone()
            return None if row is None else str(row[0])

    def drop(self, instance: str, now: float) -> None:
        """Forget an instance that Orthanc no longer has."""
        with self.transaction():
            self._end_work(instance, now)
            self._db.execute("DELETE FROM outcome WHERE instance = ?", (instance,))

    def _end_work(self, instance: str, now: float) -> None:
        self._db.execute("DELETE FROM work WHERE instance = ? AND again = 0", (instance,))
        self._db.execute(
            "UPDATE work SET owner = NULL, again = 0, attempts = 0, priority = ?, not_before = ? WHERE instance = ?",
            (BACKGROUND, now, instance),
        )

    def put_back(self, instance: str, not_before: float) -> None:
        """Give back work that did not succeed, to be tried again at `not_before`."""
        with self.transaction():
            self._db.execute(
                "UPDATE work SET owner = NULL, attempts = attempts + 1, not_before = ? WHERE instance = ?",
                (not_before, instance),
            )

    def release(self, owner: str) -> None:
        """Give back what a dead process of this name had taken; it counts as a try, for it may have been the cause."""
        with self.transaction():
            self._db.execute("UPDATE work SET owner = NULL, attempts = attempts + 1 WHERE owner = ?", (owner,))

    # What is known

    def syntaxes(self, instances: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the transfer syntaxes that those `instances` which have an outcome can be had in."""
        found: dict[str, tuple[str, ...]] = {}
        for start in range(0, len(instances), 500):
            chunk = instances[start : start + 500]
            marks = ",".join("?" * len(chunk))
            rows = self._db.execute(
                f"SELECT instance, syntaxes FROM outcome WHERE instance IN ({marks})",  # noqa: S608 - marks only
                chunk,
            )
            found.update((instance, tuple(text.split())) for instance, text in rows)
        return found

    def outcomes(self, instances: Sequence[str]) -> list[tuple[str, str, int, int]]:
        """Return status, reason and the bytes before and after of those `instances` that have an outcome."""
        # As one JSON text, so that there is no limit of parameters.
        rows = self._db.execute(
            "SELECT status, reason, bytes_before, bytes_after FROM outcome"
            " WHERE instance IN (SELECT value FROM json_each(?))",
            (json.dumps(list(instances)),),
        )
        return rows.fetchall()

    def failed(self, instances: Sequence[str]) -> set[str]:
        """Return those of `instances` that could not be encoded."""
        rows = self._db.execute(
            "SELECT instance FROM outcome WHERE status = 'failed' AND instance IN (SELECT value FROM json_each(?))",
            (json.dumps(list(instances)),),
        )
        return {instance for (instance,) in rows}

    def waiting(self) -> tuple[int, float | None]:
        """Return how many instances wait, and since when the oldest does (seconds since the epoch)."""
        count, oldest = self._db.execute("SELECT count(*), min(noted) FROM work").fetchone()
        return count, oldest

    def report(self) -> list[dict[str, str | int]]:
        """Return the count and the bytes before and after, for each status and reason."""
        rows = self._db.execute(
            "SELECT status, reason, count(*), sum(bytes_before), sum(bytes_after) FROM outcome"
            " GROUP BY status, reason ORDER BY status, reason"
        )
        names = ("status", "reason", "count", "bytes_before", "bytes_after")
        return [dict(zip(names, row, strict=True)) for row in rows]
