"""What a check says: what it looked at, how that is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a thing is; only `FAILED` makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """`advice` says what to do, and is empty where there is nothing to do."""

    name: str
    outcome: Outcome
    found: str
    advice: str = ""


def ok(name: str, found: str) -> Finding:
    """Say that a thing is well."""
    return Finding(name=name, outcome=Outcome.OK, found=found)


def warning(name: str, found: str, advice: str) -> Finding:
    """Say that a thing works, and why it should be looked at."""
    return Finding(name=name, outcome=Outcome.WARNING, found=found, advice=advice)


def failed(name: str, found: str, advice: str) -> Finding:
    """Say that a thing does not work."""
    return Finding(name=name, outcome=Outcome.FAILED, found=found, advice=advice)


def skipped(name: str, why: str) -> Finding:
    """Say that a thing was not looked at."""
    return Finding(name=name, outcome=Outcome.SKIPPED, found=why)


def is_healthy(findings: Iterable[Finding]) -> bool:
    """Tell whether nothing failed."""
    return all(one.outcome is not Outcome.FAILED for one in findings)
