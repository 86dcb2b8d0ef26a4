"""How far each journal has come somewhere else: at a collector, or in the last checkpoint; and what is behind that."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from neuronova.audit.files import sync_folder
from neuronova.audit.reading import BadJournal, Reader

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """The last record of each journal that has come there, by the journal's name; and why no more does."""

    sent: Mapping[str, int] = field(default_factory=dict)
    problem: str | None = None

    def of(self, reader: Reader) -> int:
        """Return the number of a journal's last record that has come there; 0 for none."""
        return self.sent.get(name_of(reader.writer, reader.id), 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """How many records are behind a position, and the time of the first of them."""

    records: int
    since: float | None

    def seconds(self, now: float) -> float:
        """Return the age of the oldest."""
        return 0.0 if self.since is None else max(0.0, now - self.since)


def name_of(writer: str, journal: str) -> str:
    """Return what a journal is called here: the file of a writer may be another one tomorrow."""
    return f"{writer} {journal}"


def lag(journals: Iterable[Path], position: Position) -> Lag:
    """Return what is behind a position; a journal that cannot be read is left out, for `verify` to name."""
    records, times = 0, []
    for path in journals:
        try:
            with Reader(path) as reader:
                behind = reader.count(position.of(reader))
                first = next(reader.entries(position.of(reader), limit=1), None)
                times += [] if first is None else [reader.record(first).event.time]
        except (BadJournal, sqlite3.Error, ValueError):
            continue
        records += behind
    return Lag(records=records, since=min(times, default=None))


def read_position(file: Path) -> Position:
    """Read a position; what is damaged counts as none, so that records come twice rather than never."""
    try:
        found = json.loads(file.read_bytes())
        problem = found["problem"]
        sent = {str(name): int(sequence) for name, sequence in found["sent"].items()}
        return Position(sent=sent, problem=None if problem is None else str(problem))
    except FileNotFoundError:
        return Position()
    except (ValueError, AttributeError, TypeError, KeyError):
        log.error("%s is damaged: all records are sent again", file)
        return Position()


def write_position(file: Path, position: Position) -> None:
    """Keep a position: on disk when this returns, and never half of it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = file.with_suffix(".new")
    with partial.open("w") as opened:
        json.dump({"sent": dict(position.sent), "problem": position.problem}, opened)
        opened.flush()
        os.fsync(opened.fileno())
    partial.rename(file)
    sync_folder(file.parent)
