"""Records as rows of CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields
from datetime import UTC, datetime

from neuronova.contract.audit import Event, Record

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")  # the wide ones where a sheet is East Asian
COLUMNS = ("writer", "sequence", "hash", *(field.name for field in fields(Event)))


def header() -> str:
    """Return the columns' names as a line."""
    return _line(COLUMNS)


def row(record: Record) -> str:
    """Return a record as a line; times are UTC in ISO 8601."""
    said = asdict(record.event)
    said["time"] = datetime.fromtimestamp(record.event.time, UTC).isoformat(timespec="microseconds")
    values = [record.writer, record.sequence, record.hash, *said.values()]
    return _line(["" if value is None else _harmless(str(value)) for value in values])


def _line(values: tuple[str, ...] | list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().removesuffix("\r\n")


def _harmless(text: str) -> str:
    # A spreadsheet would take it for a formula, and what clients send is in here.
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
