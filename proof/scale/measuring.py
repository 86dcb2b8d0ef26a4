"""How long a call takes, and how many pages of the database it touches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event

_Statements = list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Measured:
    """A call: milliseconds, and the pages (8 kB) that its SELECTs touch, in memory or not; None where not told."""

    median: float
    p95: float
    pages: int | None


def measured(engine: Engine, call: Callable[[], object], times: int) -> Measured:
    """Call so many times, and once more to be explained."""
    call()
    spent = sorted(_seconds(call) for _ in range(times))
    with statements(engine) as found:
        call()
    pages = sum(pages_of(engine, *one) for one in found) if engine.dialect.name == "postgresql" else None
    return Measured(1000 * statistics.median(spent), 1000 * spent[-(-95 * times // 100) - 1], pages)


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


@contextmanager
def statements(engine: Engine) -> Iterator[_Statements]:
    """Collect the SELECTs of a block, with what they are about."""
    found: _Statements = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")) and "FOR UPDATE" not in statement:
            found.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def pages_of(engine: Engine, statement: str, parameters: Any) -> int:
    """Return how many pages PostgreSQL touches to answer."""
    plan = _explained(engine, statement, parameters)
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def rows_of(engine: Engine, statement: str, parameters: Any) -> int:
    """Return how many rows the busiest step of PostgreSQL's plan looks at, those that it passes over too."""
    steps, most = [_explained(engine, statement, parameters)], 0
    while steps:
        step = steps.pop()
        passed = step.get("Rows Removed by Filter", 0) + step.get("Rows Removed by Index Recheck", 0)
        most = max(most, round((step["Actual Rows"] + passed) * step["Actual Loops"]))
        steps += step.get("Plans", ())
    return most


def _explained(engine: Engine, statement: str, parameters: Any) -> dict[str, Any]:
    with engine.connect() as connection:
        answer = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
        plan: dict[str, Any] = answer.scalar_one()[0]["Plan"]
    return plan
