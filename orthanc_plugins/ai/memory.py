"""Which series were judged, and what the API is still to be told of them: one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from neuronova.contract.ai.judged import SeriesJudged, series_from_json
from orthanc_plugins.changes.memory import Touched, new_writer, next_name, remember, touch

SCHEMA_VERSION = 1
# `files` is the digest over the files that were judged, "" where they were not looked at; `body` was told last.
SCHEMA = """
CREATE TABLE told (unit TEXT PRIMARY KEY, files TEXT NOT NULL, rules TEXT NOT NULL, body TEXT) STRICT;
CREATE TABLE waiting (unit TEXT PRIMARY KEY, seen REAL NOT NULL, until REAL NOT NULL) STRICT;
CREATE TABLE outgoing (sequence INTEGER PRIMARY KEY, unit TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
CREATE TABLE begun (at REAL NOT NULL) STRICT
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The files of a series that were judged, by `files_digest`, by which rules, and whether the API knows of it."""

    files: str
    rules: str
    is_told: bool


class Memory(Touched):
    """The file; its units are series, by Orthanc's identifiers."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA, SCHEMA_VERSION)

    def has_begun(self) -> bool:
        """Tell whether `begin` was called."""
        return bool(self.rows("SELECT 1 FROM begun"))

    def begin(self, sequence: int, old: Iterable[str], new: Iterable[str], now: float) -> None:
        """Take `old` series as they are, look at `new` ones, and at all that changes after `sequence`."""
        with self.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO told VALUES (?, '', '', NULL)", [(unit,) for unit in old])
            touch(db, new, now)
            db.execute("UPDATE cursor SET sequence = ?", (sequence,))
            db.execute("INSERT INTO begun VALUES (?)", (now,))

    def begin_anew(self) -> None:
        """Take another name, for a file that was restored; what it was to tell is told under the old one."""
        with self.transaction() as db:
            new_writer(db)

    def due(self, now: float, quiet: float, limit: int) -> list[tuple[str, float]]:
        """Return series that are quiet, with when they were touched last, without those that wait for something."""
        rows = self.rows(
            "SELECT unit, last FROM touched LEFT JOIN waiting USING (unit)"
            " WHERE last <= ? AND (seen IS NULL OR seen < last OR until <= ?) ORDER BY last LIMIT ?",
            (now - quiet, now, limit),
        )
        return [(unit, last) for unit, last in rows]

    def wait(self, unit: str, seen: float, until: float) -> None:
        """Leave a series alone for so long, unless something touches it after `seen`."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?)", (unit, seen, until))

    def judged(self, unit: str) -> Judged | None:
        """Return how a series was judged last."""
        rows = self.rows("SELECT files, rules, body IS NOT NULL FROM told WHERE unit = ?", (unit,))
        return Judged(files=rows[0][0], rules=rows[0][1], is_told=bool(rows[0][2])) if rows else None

    def settle(
        self, unit: str, seen: float, files: str, rules: str, instances: Iterable[str], told: SeriesJudged | None = None
    ) -> None:
        """Take in that a series was judged, and what the API is to be told of that; its writer and number are set here.

        Whatever touched it after `seen` has it looked at again.
        """
        with self.transaction() as db:
            remember(db, dict.fromkeys((unit, *instances), unit))
            db.execute(
                "INSERT INTO told VALUES (?, ?, ?, NULL)"
                " ON CONFLICT (unit) DO UPDATE SET files = excluded.files, rules = excluded.rules",
                (unit, files, rules),
            )
            if told is not None:
                db.execute("UPDATE told SET body = ? WHERE unit = ?", (_put(db, unit, told), unit))
            _untouch(db, unit, seen)

    def leave(self, unit: str, seen: float) -> None:
        """Take in that nothing of a series is new."""
        with self.transaction() as db:
            _untouch(db, unit, seen)

    def lose(self, unit: str, seen: float) -> None:
        """Take in that a series is gone; the API is told if it knows of it."""
        with self.transaction() as db:
            for (body,) in db.execute("SELECT body FROM told WHERE unit = ? AND body IS NOT NULL", (unit,)).fetchall():
                last = series_from_json(json.loads(body))
                _put(db, unit, replace(last, instances=0, input_hash="", uids_hash="", asked=(), sent=()))
            db.execute("DELETE FROM told WHERE unit = ?", (unit,))
            db.execute("DELETE FROM member WHERE unit = ?", (unit,))
            _untouch(db, unit, seen)

    def outgoing(self, limit: int) -> list[SeriesJudged]:
        """Return what the API has not answered, the oldest first."""
        rows = self.rows("SELECT body FROM outgoing ORDER BY sequence LIMIT ?", (limit,))
        return [series_from_json(json.loads(body)) for (body,) in rows]

    def answered(self, told: Iterable[SeriesJudged]) -> None:
        """Forget what the API has answered."""
        with self.transaction() as db:
            db.executemany("DELETE FROM outgoing WHERE sequence = ?", [(one.sequence,) for one in told])


def _put(db: sqlite3.Connection, unit: str, told: SeriesJudged) -> str:
    """Write down what is to be told of a series, in place of what was to be before."""
    writer, number = next_name(db)
    body = json.dumps(asdict(replace(told, writer=writer, sequence=number)), ensure_ascii=False)
    db.execute("INSERT OR REPLACE INTO outgoing VALUES (?, ?, ?)", (number, unit, body))
    return body


def _untouch(db: sqlite3.Connection, unit: str, seen: float) -> None:
    db.execute("DELETE FROM touched WHERE unit = ? AND last <= ?", (unit, seen))
    db.execute("DELETE FROM waiting WHERE unit = ?", (unit,))
