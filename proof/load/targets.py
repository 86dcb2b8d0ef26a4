"""What is measured by its name, and what is demanded of it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOGIN = "login"
SIMPLE = "simple API call: account, patient, report of a study"
SEARCH = "search: studies by name (QIDO-RS), reading list"
METADATA = "metadata of a series"
FRAME = "frame, HTJ2K"
FIRST_IMAGE = "first image: metadata, then its frame"
REPORT = "report saved"
ORDER = "order placed"
DONE = "examination said to be done"
P95_MS: Mapping[str, float] = {SIMPLE: 100, SEARCH: 300, FIRST_IMAGE: 1000}
CLERKS = 2
RATE, ERRORS = 100.0, 0.001  # requests a second, of all requests
TOTAL = "Aggregated"


@dataclass(frozen=True, slots=True)
class Measured:
    """One kind of request; times in ms."""

    requests: int
    failures: int
    median: float
    p95: float
    p99: float
    rate: float  # a second


@dataclass(frozen=True, slots=True)
class Target:
    """What was demanded, and what came of it."""

    what: str
    demanded: str
    measured: str
    met: bool


def read(file: Path) -> dict[str, Measured]:
    """Return what locust wrote down (`--csv`), by name; `Aggregated` is all of it."""
    with file.open(newline="") as rows:
        return {row["Name"]: _measured(row) for row in csv.DictReader(rows)}


def read_failures(file: Path) -> dict[str, int]:
    """Return how often each kind of request failed, with why."""
    with file.open(newline="") as rows:
        return {f"{row['Name']}: {row['Error']}": int(row["Occurrences"]) for row in csv.DictReader(rows)}


def _measured(row: Mapping[str, str]) -> Measured:
    def number(column: str) -> float:
        return 0.0 if row[column] in ("N/A", "") else float(row[column])

    return Measured(
        int(row["Request Count"]),
        int(row["Failure Count"]),
        number("50%"),
        number("95%"),
        number("99%"),
        number("Requests/s"),
    )


def targets(found: Mapping[str, Measured]) -> list[Target]:
    """Compare what was measured with what is demanded; what was never asked is not met."""
    nothing = Measured(0, 0, 0, 0, 0, 0)
    judged = []
    for name, limit in P95_MS.items():
        one = found.get(name, nothing)
        met = bool(one.requests) and one.p95 <= limit
        judged.append(Target(f"p95 of {name}", f"≤ {limit:.0f} ms", f"{one.p95:.0f} ms", met))
    # The first image is no request of its own: those of its two parts count.
    total, first = found.get(TOTAL, nothing), found.get(FIRST_IMAGE, nothing)
    requests, rate = total.requests - first.requests, total.rate - first.rate
    errors = total.failures / requests if requests > 0 else 1.0
    judged.append(Target("requests a second", f"≥ {RATE:.0f}", f"{rate:.0f}", rate >= RATE))
    judged.append(Target("errors", f"< {ERRORS:.1%}", f"{errors:.3%}", errors < ERRORS))
    return judged


def table(found: Mapping[str, Measured]) -> str:
    """Return both tables as Markdown."""
    lines = ["| target | demanded | measured | met? |", "|---|---|---:|---|"]
    lines += [
        f"| {one.what} | {one.demanded} | {one.measured} | {'met' if one.met else '**missed**'} |"
        for one in targets(found)
    ]
    lines += [
        "",
        "| asked | times | a second | failed | median, ms | p95, ms | p99, ms |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {one.requests} | {one.rate:.1f} | {one.failures} |"
        f" {one.median:.0f} | {one.p95:.0f} | {one.p99:.0f} |"
        for name, one in found.items()
    ]
    return "\n".join(lines)


def said(counts: Mapping[str, int]) -> str:
    """Return what was counted as one line."""
    return ", ".join(f"{what} {number}" for what, number in sorted(counts.items()))
