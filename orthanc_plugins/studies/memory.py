"""What the API was told of each study, and what it is still to be told: one SQLite file.

A study is `touched` by whatever may have changed it. Once it is looked at, what differs from what was told becomes an
event in `outgoing`, which stays there until the API has answered. All of it can be made again from Orthanc's content.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from neuronova.contract.studies import (
    Event,
    StudyChanged,
    StudyDeleted,
    StudyKey,
    event_from_json,
    event_to_json,
)
from orthanc_plugins.sqlite_file import SqliteFile

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE cursor (sequence INTEGER NOT NULL, writer TEXT NOT NULL, events INTEGER NOT NULL) STRICT;
CREATE TABLE member (resource TEXT PRIMARY KEY, study TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX member_study ON member (study);
CREATE TABLE gone (resource TEXT PRIMARY KEY, at REAL NOT NULL) STRICT;
CREATE TABLE touched (study TEXT PRIMARY KEY, first REAL NOT NULL, last REAL NOT NULL) STRICT;
CREATE TABLE told (
    orthanc TEXT NOT NULL, study TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (orthanc, study, patient_id, issuer)
) STRICT;
CREATE TABLE outgoing (
    sequence INTEGER PRIMARY KEY, orthanc TEXT NOT NULL,
    study TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (study, patient_id, issuer)
) STRICT
"""
GRACE = 30.0  # seconds that a deletion is kept whose study is not known yet


class Memory(SqliteFile):
    """The file; each method is one transaction, and the threads of the plugin share it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA, SCHEMA_VERSION)
        with self.transaction() as db:
            if db.execute("SELECT 1 FROM cursor").fetchone() is None:
                db.execute("INSERT INTO cursor VALUES (0, ?, 0)", (secrets.token_hex(8),))

    # What may have changed; resources and studies by Orthanc's identifiers

    def sequence(self) -> int:
        """Return the number of Orthanc's last change that was taken in."""
        ((sequence,),) = self.rows("SELECT sequence FROM cursor")
        return int(sequence)

    def take_in(self, after: int, members: Mapping[str, str], now: float) -> None:
        """Touch the studies of new resources (resource to study) and move the cursor to `after`, together."""
        with self.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO member VALUES (?, ?)", members.items())
            _touch(db, set(members.values()), now)
            db.execute("UPDATE cursor SET sequence = ?", (after,))

    def touch(self, studies: Iterable[str], now: float) -> None:
        """Note studies that are to be looked at."""
        with self.transaction() as db:
            _touch(db, studies, now)

    def bury(self, resource: str, now: float) -> None:
        """Note a deletion, which the feed never tells; at once, for nothing else remembers it."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (resource, now))

    def study_of(self, resource: str) -> str | None:
        """Return the study that a resource was last seen in."""
        rows = self.rows("SELECT study FROM member WHERE resource = ?", (resource,))
        return str(rows[0][0]) if rows else None

    def take_deletions(self, now: float) -> None:
        """Touch the studies of what was deleted; what is of no known study is looked at again for a while."""
        with self.transaction() as db:
            known = "SELECT study FROM member JOIN gone USING (resource)"
            own = "SELECT orthanc FROM told JOIN gone ON orthanc = resource"
            _touch(db, {row[0] for row in db.execute(f"{known} UNION {own}")}, now)
            db.execute(
                "DELETE FROM gone WHERE at < ? OR resource IN (SELECT resource FROM member)"
                " OR resource IN (SELECT orthanc FROM told)",
                (now - GRACE,),
            )

    def due(self, now: float, quiet: float, longest: float, limit: int) -> list[tuple[str, float]]:
        """Return touched studies, with when they were touched last, that are quiet or were touched long ago."""
        rows = self.rows(
            "SELECT study, last FROM touched WHERE last <= ? OR first <= ? ORDER BY first LIMIT ?",
            (now - quiet, now - longest, limit),
        )
        return [(study, last) for study, last in rows]

    def is_anything_touched(self) -> bool:
        """Tell whether a study waits to be looked at."""
        return bool(self.rows("SELECT 1 FROM touched LIMIT 1"))

    # What is told

    def look(self, orthanc: str, seen: float, found: Sequence[StudyChanged], members: Iterable[str]) -> None:
        """Take in how a study now is under each of its patients (under none: it is gone).

        What differs from what was told becomes an event. Whatever touched it after `seen` has it looked at again.
        """
        with self.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO member VALUES (?, ?)", [(member, orthanc) for member in members])
            told = {
                StudyKey(*key): body
                for *key, body in db.execute(
                    "SELECT study, patient_id, issuer, body FROM told WHERE orthanc = ?", (orthanc,)
                )
            }
            for one in found:
                if told.pop(one.key, None) != _body(one):
                    self._put(db, orthanc, one)
            for key in told:
                gone = StudyDeleted(
                    writer="", sequence=0, study=key.study, patient_id=key.patient_id, issuer=key.issuer
                )
                self._put(db, orthanc, gone)
            if not found:
                db.execute("DELETE FROM member WHERE study = ?", (orthanc,))
            db.execute("DELETE FROM touched WHERE study = ? AND last <= ?", (orthanc, seen))
            db.execute("UPDATE touched SET first = last WHERE study = ?", (orthanc,))

    def _put(self, db: sqlite3.Connection, orthanc: str, event: Event) -> None:
        """Write an event down in place of an earlier one of the same study, and what will then have been told."""
        writer, number = db.execute("UPDATE cursor SET events = events + 1 RETURNING writer, events").fetchone()
        named = replace(event, writer=writer, sequence=number)
        text = json.dumps(event_to_json(named), ensure_ascii=False)
        db.execute("INSERT OR REPLACE INTO outgoing VALUES (?, ?, ?, ?, ?, ?)", (number, orthanc, *event.key, text))
        if isinstance(event, StudyChanged):
            db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?)", (orthanc, *event.key, _body(event)))
        else:
            db.execute(
                "DELETE FROM told WHERE (orthanc, study, patient_id, issuer) = (?, ?, ?, ?)", (orthanc, *event.key)
            )

    def outgoing(self, limit: int) -> list[Event]:
        """Return the events that the API has not answered, the oldest first."""
        rows = self.rows("SELECT body FROM outgoing ORDER BY sequence LIMIT ?", (limit,))
        return [event_from_json(json.loads(body)) for (body,) in rows]

    def answered(self, events: Iterable[Event]) -> None:
        """Forget events that the API has answered."""
        with self.transaction() as db:
            db.executemany("DELETE FROM outgoing WHERE sequence = ?", [(one.sequence,) for one in events])

    def reconcile(self, pages: Iterable[list[str]], now: float) -> int:
        """Compare with the studies that Orthanc has, in `pages`; touch what it or we do not know; return how many."""
        present = {study for page in pages for study in page}
        with self.transaction() as db:
            known = {row[0] for row in db.execute("SELECT DISTINCT orthanc FROM told")}
            _touch(db, present ^ known, now)
        return len(present ^ known)


def _touch(db: sqlite3.Connection, studies: Iterable[str], now: float) -> None:
    db.executemany(
        "INSERT INTO touched VALUES (?, ?, ?) ON CONFLICT (study) DO UPDATE SET last = excluded.last",
        [(study, now, now) for study in sorted(studies)],
    )


def _body(event: StudyChanged) -> str:
    return json.dumps(event_to_json(replace(event, writer="", sequence=0)), ensure_ascii=False, sort_keys=True)
