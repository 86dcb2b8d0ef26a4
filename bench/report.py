"""Measured ratios as rows of one table, and details beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison: `ours` and `peer` are medians in `unit`; `ratio` is how many times better ours is.

    A row without a target is told for comparison; one with `problem` could not be measured.
    """

    what: str
    against: str
    ours: float = 0.0
    peer: float = 0.0
    unit: str = ""
    ratio: float = 0.0
    target: float | None = None
    at_most: bool = False  # the ratio is a cost, and the target its limit
    note: str = ""
    problem: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is reached."""
        if self.problem:
            return f"**not measured**: {self.problem}"
        if self.target is None:
            return ""
        met = self.ratio <= self.target if self.at_most else self.ratio >= self.target
        return "met" if met else "**missed**"

    def cells(self) -> list[str]:
        """Return the row's cells as text."""
        sign = "≤" if self.at_most else "≥"
        target = "" if self.target is None else f"{sign} {self.target:g}"
        measured = ["", "", ""] if self.problem else [_figure(self.ours, self.unit), _figure(self.peer, self.unit)]
        if not self.problem:
            measured.append(f"{self.ratio:.2f}")
        return [self.what, self.against, *measured, target, f"{self.verdict} {self.note}".strip()]


@dataclass(frozen=True)
class Detail:
    """What was seen beside the table's figures, as a line of Markdown."""

    text: str


Result = Row | Detail


@dataclass
class Pairs:
    """Measurements taken in turn, ours and the peer's, so that a change of the machine's speed meets both."""

    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    def add(self, ours: float, peer: float) -> None:
        """Add one pair."""
        self.ours.append(ours)
        self.peer.append(peer)

    def row(
        self, what: str, against: str, unit: str, target: float | None, *, less_is_better: bool = False, note: str = ""
    ) -> Row:
        """Return the median of each and the median of the ratios pair by pair."""
        pairs = zip(self.ours, self.peer, strict=True)
        ratios = [peer / ours if less_is_better else ours / peer for ours, peer in pairs]
        return Row(
            what=what,
            against=against,
            ours=median(self.ours),
            peer=median(self.peer),
            unit=unit,
            ratio=median(ratios),
            target=target,
            note=note,
        )


def _figure(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = ["| what | against | ours | peer | ratio | target | met? |", "|---|---|---:|---:|---:|---:|---|"]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    return "\n".join(lines)
