"""Dates as spans: each stands for all of what it leaves open."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cdss_api.fhir.moment import instant, span


def micros(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2026", micros(2026, 1, 1), micros(2027, 1, 1)),
        ("2026-12", micros(2026, 12, 1), micros(2027, 1, 1)),
        ("2024-02", micros(2024, 2, 1), micros(2024, 3, 1)),
        ("2024-02-29", micros(2024, 2, 29), micros(2024, 3, 1)),
        ("2026-01-02T10:00", micros(2026, 1, 2, 10), micros(2026, 1, 2, 10, 1)),
        ("2026-01-02T10:00:05Z", micros(2026, 1, 2, 10, 0, 5), micros(2026, 1, 2, 10, 0, 6)),
        ("2026-01-02T10:00:05+09:00", micros(2026, 1, 2, 1, 0, 5), micros(2026, 1, 2, 1, 0, 6)),
        ("2026-01-02T10:00:05.25Z", micros(2026, 1, 2, 10, 0, 5) + 250_000, micros(2026, 1, 2, 10, 0, 5) + 260_000),
        ("1950-06-01", micros(1950, 6, 1), micros(1950, 6, 2)),
    ],
)
def test_a_date_stands_for_a_span(text: str, low: int, high: int) -> None:
    assert span(text) == (low, high)


@pytest.mark.parametrize(
    "text",
    ["", "26", "2026-13", "2026-02-30", "2026-1-2", "2026-01-02T25:00:00Z", "2026-01-02 10:00", "9999", "２０２６"],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        span(text)


def test_an_instant_is_of_milliseconds() -> None:
    assert instant(micros(2026, 1, 2, 10) + 1_234) == "2026-01-02T10:00:00.001Z"
    assert span(instant(micros(1960, 1, 2))).low == micros(1960, 1, 2)
