"""What the API was told of each study, and what it is still to be told: one SQLite file.

A study is `touched` by whatever may have changed it. Once it is looked at, what differs from what was told becomes an
event in `outgoing`, which stays there until the API has answered. All of it can be made again from Orthanc's content.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
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
from orthanc_plugins.changes.memory import Touched, new_writer, next_name, remember, touch

SCHEMA_VERSION = 2
SCHEMA = """
CREATE TABLE told (
    unit TEXT NOT NULL, study TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (unit, study, patient_id, issuer)
) STRICT;
CREATE TABLE outgoing (
    sequence INTEGER PRIMARY KEY, orthanc TEXT NOT NULL,
    study TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (study, patient_id, issuer)
) STRICT
"""
UPGRADES = {
    1: """
ALTER TABLE member RENAME COLUMN study TO unit;
ALTER TABLE touched RENAME COLUMN study TO unit;
ALTER TABLE told RENAME COLUMN orthanc TO unit
"""
}


class Memory(Touched):
    """The file; each method is one transaction, and the threads of the plugin share it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA, SCHEMA_VERSION, UPGRADES)

    def due(self, now: float, quiet: float, longest: float, limit: int) -> list[tuple[str, float]]:
        """Return touched studies, with when they were touched last, that are quiet or were touched long ago."""
        rows = self.rows(
            "SELECT unit, last FROM touched WHERE last <= ? OR first <= ? ORDER BY first LIMIT ?",
            (now - quiet, now - longest, limit),
        )
        return [(study, last) for study, last in rows]

    # What is told

    def look(self, orthanc: str, seen: float, found: Sequence[StudyChanged], members: Iterable[str]) -> None:
        """Take in how a study now is under each of its patients (under none: it is gone).

        What differs from what was told becomes an event. Whatever touched it after `seen` has it looked at again.
        """
        with self.transaction() as db:
            remember(db, dict.fromkeys(members, orthanc))
            told = {
                StudyKey(*key): body
                for *key, body in db.execute(
                    "SELECT study, patient_id, issuer, body FROM told WHERE unit = ?", (orthanc,)
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
                db.execute("DELETE FROM member WHERE unit = ?", (orthanc,))
            db.execute("DELETE FROM touched WHERE unit = ? AND last <= ?", (orthanc, seen))
            db.execute("UPDATE touched SET first = last WHERE unit = ?", (orthanc,))

    def begin_anew(self, known: Iterable[StudyChanged], now: float) -> None:
        """Take `known`, what the API says that it was told, for all that it was told; look at every study again.

        For a file that was restored beside an API of another moment: as a writer of another name, with what differs.
        """
        with self.transaction() as db:
            new_writer(db)
            db.execute("DELETE FROM outgoing")
            touch(db, {unit for (unit,) in db.execute("SELECT unit FROM told")}, now)
            db.execute("DELETE FROM told")
            for one in known:
                db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?)", (one.orthanc, *one.key, _body(one)))
                touch(db, (one.orthanc,), now)

    def _put(self, db: sqlite3.Connection, orthanc: str, event: Event) -> None:
        """Write an event down in place of an earlier one of the same study, and what will then have been told."""
        writer, number = next_name(db)
        named = replace(event, writer=writer, sequence=number)
        text = json.dumps(event_to_json(named), ensure_ascii=False)
        db.execute("INSERT OR REPLACE INTO outgoing VALUES (?, ?, ?, ?, ?, ?)", (number, orthanc, *event.key, text))
        if isinstance(event, StudyChanged):
            db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?)", (orthanc, *event.key, _body(event)))
        else:
            db.execute("DELETE FROM told WHERE (unit, study, patient_id, issuer) = (?, ?, ?, ?)", (orthanc, *event.key))

    def outgoing(self, limit: int) -> list[Event]:
        """Return the events that the API has not answered, the oldest first."""
        rows = self.rows("SELECT body FROM outgoing ORDER BY sequence LIMIT ?", (limit,))
        return [event_from_json(json.loads(body)) for (body,) in rows]

    def answered(self, events: Iterable[Event]) -> None:
        """Forget events that the API has answered."""
        with self.transaction() as db:
            db.executemany("DELETE FROM outgoing WHERE sequence = ?", [(one.sequence,) for one in events])


def _body(event: StudyChanged) -> str:
    return json.dumps(
        event_to_json(replace(event, writer="", sequence=0, traceparent="")), ensure_ascii=False, sort_keys=True
    )
