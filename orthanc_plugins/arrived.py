"""Which trace the instances of a study came in: a trace begins with the first that is stored, and the others join it.

It is kept by series, for whoever encodes, judges and tells what came; a file of its own, which nobody misses.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from neuronova.contract.trace import TraceContext, read_traceparent
from neuronova.telemetry.spans import Kind, Span, begin, is_exported, record
from orthanc_plugins.access.identity import Identity
from orthanc_plugins.sqlite_file import SqliteFile
from orthanc_plugins.stored import orthanc_identifier

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE arrival (series TEXT PRIMARY KEY, study TEXT NOT NULL, traceparent TEXT NOT NULL, at REAL NOT NULL) STRICT;
CREATE INDEX arrival_study ON arrival (study, at);
CREATE INDEX arrival_at ON arrival (at)
"""
PAUSE = 600.0  # seconds without an instance after which the next one of a study begins another trace
KEPT = 7 * 86400.0  # seconds, for what is encoded or judged late
_MOST = 1000  # studies that are kept in mind


class ArrivalFile(SqliteFile):
    """The file, which processes share."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA, SCHEMA_VERSION)

    def note(self, series: str, study: str, context: TraceContext, now: float) -> None:
        """Write down which trace the instances of a series come in now, and forget what is old."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO arrival VALUES (?, ?, ?, ?)", (series, study, context.traceparent, now))
            db.execute("DELETE FROM arrival WHERE at < ?", (now - KEPT,))

    def of_series(self, series: str) -> TraceContext | None:
        """Return the span with which the arrival of a series began, by Orthanc's identifier."""
        rows = self.rows("SELECT traceparent FROM arrival WHERE series = ?", (series,))
        return read_traceparent(rows[0][0]) if rows else None

    def of_study(self, study: str, since: float = 0.0) -> TraceContext | None:
        """Return the same of a study's series that came last, not before `since`."""
        newest = "SELECT traceparent FROM arrival WHERE study = ? AND at >= ? ORDER BY at DESC LIMIT 1"
        rows = self.rows(newest, (study, since))
        return read_traceparent(rows[0][0]) if rows else None


@dataclass(slots=True)
class _Arrival:
    first: TraceContext
    last: float
    series: set[str] = field(default_factory=set)


class Arriving:
    """Begins traces; told of each instance that was stored."""

    def __init__(self, file: ArrivalFile, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._arrivals: OrderedDict[str, _Arrival] = OrderedDict()

    def stored(self, identity: Identity, instance: str, sender: str, began: float) -> None:
        """Take in an instance; `began` is when its being stored was told, in seconds since the epoch."""
        study = orthanc_identifier(identity.patient_id, identity.study)
        series = orthanc_identifier(identity.patient_id, identity.study, identity.series)
        try:
            first, is_first = self._first(study, series, began)
        except sqlite3.Error as error:  # a trace is not worth an instance
            log.warning("series %s is in no trace (%s)", series, type(error).__name__)
            return
        if not is_exported():
            return
        names = {"study": study, "series": series, "instance": instance, "sender": sender}
        span = Span(
            name="store",
            context=first if is_first else begin(first),
            parent=None if is_first else first,
            began=began,
            ended=self._clock(),
            kind=Kind.SERVER,
            attributes={f"neuronova.{name}": value for name, value in names.items() if value},
        )
        record(span)

    def _first(self, study: str, series: str, now: float) -> tuple[TraceContext, bool]:
        with self._lock:
            arrival, is_first = self._arrivals.get(study), False
            if arrival is None or arrival.last < now - PAUSE:
                known = self._file.of_study(study, now - PAUSE)
                arrival, is_first = _Arrival(known or begin(None), now), known is None
            if series not in arrival.series:
                self._file.note(series, study, arrival.first, now)
                arrival.series.add(series)
            arrival.last = now
            self._arrivals[study] = arrival
            self._arrivals.move_to_end(study)
            while len(self._arrivals) > _MOST:
                self._arrivals.popitem(last=False)
            return arrival.first, is_first
