"""Events and journals for the tests of the audit trail."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from neuronova.audit.journal import AuditJournal
from neuronova.audit.reading import Reader
from neuronova.contract.audit import Action, Event, Outcome, Record

NOON = 1_800_000_000.0


def event(number: int = 0, /, **members: Any) -> Event:
    given: dict[str, Any] = {
        "time": NOON + number,
        "action": Action.READ,
        "outcome": Outcome.ALLOWED,
        "reason": "care-team",
        "subject": f"user-{number % 3}",
        "role": "doctor",
        "token_id": "t",
        "patient_id": f"P{number % 5}",
        "study": f"1.2.{number}",
        "address": "192.0.2.7",
        "route": "GET /dicom-web/studies/{study}",
    }
    return Event(**given | members)


def filled(path: Path, writer: str, count: int) -> Path:
    """Make a journal of `count` records."""
    journal = AuditJournal(path, writer)
    journal.append(*(event(number) for number in range(count)))
    journal.close()
    return path


def records(path: Path) -> list[Record]:
    with Reader(path) as reader:
        return [reader.record(entry) for entry in reader.entries()]


def spoilt(path: Path) -> Path:
    """Spoil a journal's file as a failing disk does: it opens, and what lies in it cannot be read."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(10 * 4096)
        file.write(b"\xff" * (size - file.tell()))
    return path


def unguarded(path: Path) -> sqlite3.Connection:
    """Open a journal as somebody does who means to falsify it: without its triggers."""
    db = sqlite3.connect(path, isolation_level=None)
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    return db
