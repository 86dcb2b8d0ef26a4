"""One SQLite file for what decisions rest on: the API's grants, and whose each study is.

Both lie in one file so that a list of studies and the permission to see them are one query.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from neuronova.contract.grants import (
    AccountChange,
    Change,
    GrantChange,
    Ground,
    HoldChange,
    KeyChange,
    ModalityChange,
    Revocation,
    Update,
    from_json,
    to_json,
)
from orthanc_plugins.sqlite_file import SqliteFile

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE heard (version INTEGER NOT NULL, at REAL NOT NULL) STRICT;
INSERT INTO heard VALUES (0, 0);
CREATE TABLE known (name TEXT PRIMARY KEY, change TEXT NOT NULL) STRICT;
CREATE TABLE permitted (
    account TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, ground TEXT NOT NULL, until REAL,
    PRIMARY KEY (account, patient_id, issuer, ground)
) STRICT, WITHOUT ROWID;
CREATE TABLE cursor (sequence INTEGER NOT NULL) STRICT;
INSERT INTO cursor VALUES (0);
CREATE TABLE study (
    number INTEGER PRIMARY KEY,
    orthanc TEXT NOT NULL,
    uid TEXT NOT NULL,
    patient_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    arrived REAL NOT NULL,
    keys TEXT NOT NULL,
    UNIQUE (uid, patient_id, issuer)
) STRICT;
CREATE INDEX study_orthanc ON study (orthanc);
CREATE INDEX study_patient ON study (patient_id, issuer);
CREATE TABLE series (
    number INTEGER PRIMARY KEY,
    orthanc TEXT NOT NULL,
    study INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
    uid TEXT NOT NULL,
    keys TEXT NOT NULL,
    UNIQUE (study, uid)
) STRICT;
CREATE INDEX series_orthanc ON series (orthanc);
"""


class Store(SqliteFile):
    """The file; each method is one transaction, and the threads of one process share it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA, SCHEMA_VERSION)

    def others(self) -> int:
        """Return a number that is another one once another process has written to the file (SQLite's data_version)."""
        ((number,),) = self.rows("PRAGMA data_version")
        return int(number)

    # Studies

    def keep_only(self, studies: Iterable[str], series: Iterable[str]) -> None:
        """Forget the studies and series that are not among those of Orthanc's, by its identifiers."""
        with self.transaction() as db:
            for table, present in (("study", studies), ("series", series)):
                db.execute("CREATE TEMP TABLE present (orthanc TEXT PRIMARY KEY) WITHOUT ROWID")
                db.executemany("INSERT OR IGNORE INTO present VALUES (?)", ((one,) for one in present))
                db.execute(f"DELETE FROM {table} WHERE orthanc NOT IN (SELECT orthanc FROM present)")  # noqa: S608
                db.execute("DROP TABLE present")

    # Grants

    def save(self, update: Update, now: float) -> None:
        """Write an update down; a full one replaces what was there."""
        with self.transaction() as db:
            if update.full:
                db.execute("DELETE FROM known")
                db.execute("DELETE FROM permitted")
            for change in update.changes:
                self._save(db, change)
            db.execute("UPDATE heard SET version = ?, at = ?", (update.version, now))

    @staticmethod
    def _save(db: sqlite3.Connection, change: Change) -> None:
        if not isinstance(change, GrantChange):
            text = json.dumps(to_json(Update(version=0, full=False, changes=(change,))))
            db.execute("INSERT OR REPLACE INTO known VALUES (?, ?)", (_name(change), text))
            return
        key = (change.account, change.patient_id, change.issuer, change.ground.value)
        if change.granted:
            db.execute("INSERT OR REPLACE INTO permitted VALUES (?, ?, ?, ?, ?)", (*key, change.until))
        else:
            db.execute("DELETE FROM permitted WHERE account = ? AND patient_id = ? AND issuer = ? AND ground = ?", key)

    def note_heard(self, now: float) -> None:
        """Write down when the API last answered."""
        with self.transaction() as db:
            db.execute("UPDATE heard SET at = ?", (now,))

    def version(self) -> tuple[int, float]:
        """Return the version of the grants, and when the API last answered (seconds since the epoch)."""
        ((version, at),) = self.rows("SELECT version, at FROM heard")
        return version, at

    def changes(self) -> list[Change]:
        """Return all that was saved, as changes to nothing."""
        found: list[Change] = []
        for (text,) in self.rows("SELECT change FROM known ORDER BY name"):
            found.extend(from_json(json.loads(text)).changes)
        grants = self.rows("SELECT account, patient_id, issuer, ground, until FROM permitted")
        for account, patient_id, issuer, ground, until in grants:
            found.append(
                GrantChange(
                    account=account,
                    patient_id=patient_id,
                    issuer=issuer,
                    ground=Ground(ground),
                    granted=True,
                    until=until,
                )
            )
        return found


def _name(change: AccountChange | Revocation | KeyChange | ModalityChange | HoldChange) -> str:
    """Return what tells one known thing from another."""
    match change:
        case AccountChange():
            return f"account {change.account}"
        case Revocation():
            return f"ended {change.ended}"
        case KeyChange():
            return f"key {change.key_id}"
        case ModalityChange():
            return f"modality {change.title}"
        case HoldChange():
            return f"hold {change.hold}"
