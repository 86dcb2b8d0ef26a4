"""Searching all journals as one: newest first, page by page, and how many accesses there were over time."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from neuronova.audit.reading import Entry, Reader
from neuronova.contract.audit import Action, Outcome, Record

HOUR, DAY = 3600, 86400  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What to look for; None takes any. Times are seconds since the epoch, `since` included and `until` not."""

    patient_id: str | None = None
    issuer: str | None = None
    study: str | None = None
    subject: str | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    since: float | None = None
    until: float | None = None


class Cursor(NamedTuple):
    """The place of a record among all; `time` is in microseconds."""

    time: int
    writer: str
    sequence: int


class Page(NamedTuple):
    """Some records, and where the next page begins, if there is one."""

    records: list[Record]
    next: Cursor | None


class Count(NamedTuple):
    """How many accesses ended one way in the hour or day that began at `start`."""

    start: int
    outcome: Outcome
    accesses: int


def place(record: Record) -> Cursor:
    """Return the place of a record, to go on behind it."""
    return Cursor(round(record.event.time * 1e6), record.writer, record.sequence)


def search(paths: Iterable[Path], query: Query, *, after: Cursor | None = None, limit: int = 100) -> Page:
    """Return the newest records that `query` fits, or those that come after a place in that order."""
    with ExitStack() as stack:
        readers = [stack.enter_context(Reader(path)) for path in paths]
        found = _merged([_matching(reader, query, after) for reader in readers])
        records = list(islice(found, limit + 1))
    return Page(records[:limit], place(records[limit - 1]) if len(records) > limit else None)


def every(paths: Iterable[Path], query: Query) -> Iterator[Record]:
    """Yield all records that `query` fits, newest first."""
    with ExitStack() as stack:
        readers = [stack.enter_context(Reader(path)) for path in paths]
        yield from _merged([_matching(reader, query, None) for reader in readers])


def counts(paths: Iterable[Path], query: Query, *, width: int = HOUR) -> list[Count]:
    """Count accesses by outcome in each `width` seconds of UTC; what had none is left out."""
    total: Counter[tuple[int, str]] = Counter()
    where, values = _conditions(query)
    statement = (
        f"SELECT time / {width * 1_000_000} AS bucket, outcome, sum(accesses) FROM record"  # noqa: S608 - a number
        f" WHERE {where} GROUP BY bucket, outcome"
    )
    for path in paths:
        with Reader(path) as reader:
            for bucket, outcome, accesses in reader.db.execute(statement, values):
                total[bucket * width, outcome] += accesses
    return [Count(start, Outcome(outcome), number) for (start, outcome), number in sorted(total.items())]


def _merged(sources: Sequence[Iterator[Record]]) -> Iterator[Record]:
    return heapq.merge(*sources, key=place, reverse=True)


def _matching(reader: Reader, query: Query, after: Cursor | None) -> Iterator[Record]:
    where, values = _conditions(query)
    if after is not None:
        behind, more = _behind(reader.writer, after)
        where, values = f"{where} AND {behind}", [*values, *more]
    rows = reader.db.execute(
        f"SELECT sequence, previous, hash, event FROM record WHERE {where}"  # noqa: S608 - names of columns only
        " ORDER BY time DESC, sequence DESC",
        values,
    )
    return (reader.record(Entry._make(row)) for row in rows)


def _conditions(query: Query) -> tuple[str, list[object]]:
    wanted = {
        "patient = ?": query.patient_id,
        "issuer = ?": query.issuer,
        "study = ?": query.study,
        "subject = ?": query.subject,
        "action = ?": query.action,
        "outcome = ?": query.outcome,
        "time >= ?": None if query.since is None else round(query.since * 1e6),
        "time < ?": None if query.until is None else round(query.until * 1e6),
    }
    asked = {condition: value for condition, value in wanted.items() if value is not None}
    return " AND ".join(asked) or "TRUE", list(asked.values())


def _behind(writer: str, after: Cursor) -> tuple[str, tuple[int, ...]]:
    if writer == after.writer:
        return "(time, sequence) < (?, ?)", (after.time, after.sequence)
    return ("time <= ?" if writer < after.writer else "time < ?"), (after.time,)
