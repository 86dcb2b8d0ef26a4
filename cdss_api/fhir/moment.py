"""FHIR's dates and times as spans, for each stands for all of what it leaves open (FHIR R4 3.1.1.4.7).

A span is from `low` up to, not including, `high`, in microseconds since the epoch, UTC. What has no zone is UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_FORM = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d{1,9}))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
BEGINNING, END = -(1 << 62), 1 << 62  # of what has no beginning or no end


class Span(NamedTuple):
    """From `low` up to, not including, `high`."""

    low: int
    high: int


def span(text: str) -> Span:
    """Return what a date, dateTime or instant stands for.

    Raises:
        ValueError: it is none.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no date")
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    if found["hour"] is None:
        low = datetime(year, month, day, tzinfo=UTC)
        return Span(_micros(low), _micros(_next(low, found["month"], found["day"])))
    zone = (found["zone"] or "Z").replace("Z", "+00:00")
    fraction = (found["fraction"] or "").ljust(6, "0")[:6]
    second = found["second"] or "00"
    low = datetime.fromisoformat(f"{text[:10]}T{found['hour']}:{found['minute']}:{second}.{fraction}{zone}")
    length = timedelta(minutes=1)
    if found["second"] is not None:
        digits = min(len(found["fraction"] or ""), 6)
        length = timedelta(microseconds=10 ** (6 - digits))
    return Span(_micros(low), _micros(low + length))


def instant(micros: int) -> str:
    """Return the FHIR instant of a moment."""
    moment = _EPOCH + micros * _MICROSECOND
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def micros_of(seconds: float) -> int:
    """Return a moment as it is kept: whole milliseconds, as `instant` shows."""
    return int(seconds * 1000) * 1000


def _next(low: datetime, month: str | None, day: str | None) -> datetime:
    try:
        if day is not None:
            return low + timedelta(days=1)
        if month is not None:
            return low.replace(year=low.year + low.month // 12, month=low.month % 12 + 1)
        return low.replace(year=low.year + 1)
    except (OverflowError, ValueError):
        raise ValueError("later than any date") from None


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
