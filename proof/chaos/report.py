"""What is told of a run, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from proof.chaos.judging import Count

_NAMED = 5  # of what is missing


@dataclass(slots=True)
class Report:
    """Faults with the seconds until all worked again (None: not in time), and what is left of the work."""

    recoveries: dict[str, list[float | None]] = field(default_factory=dict)
    counts: Sequence[Count] = ()
    asked: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)  # after the time to settle
    settled: float = 0.0  # seconds that it took
    trail: str = ""  # what is wrong with the audit trail

    @property
    def holds(self) -> bool:
        """Tell whether nothing is missing, and all came back."""
        came = all(one is not None for some in self.recoveries.values() for one in some)
        return came and not self.trail and not self.waiting and all(one.holds for one in self.counts)

    def text(self) -> str:
        """Return the tables."""
        faults = [_fault(name, some) for name, some in self.recoveries.items()]
        counts = [_count(one) for one in self.counts]
        asked = ", ".join(f"{what} {number}" for what, number in sorted(self.asked.items()))
        waiting = ", ".join(f"{what} {number}" for what, number in self.waiting.items()) or "nothing"
        return "\n".join(
            [
                "| fault | times | median, s | longest, s |\n|---|---:|---:|---:|",
                *faults,
                "",
                "| what | acknowledged | found | missing | twice |\n|---|---:|---:|---|---|",
                *counts,
                "",
                f"Answers to those who worked: {asked}.",
                f"Audit trail: {self.trail or 'whole'}. Waiting {self.settled:.0f} s after the last fault: {waiting}.",
                f"**{'Nothing is missing.' if self.holds else 'NOT as acknowledged.'}**",
            ]
        )


def _fault(name: str, recoveries: Sequence[float | None]) -> str:
    known = [one for one in recoveries if one is not None]
    lost = len(recoveries) - len(known)
    figures = f"{median(known):.1f} | {max(known):.1f}" if known else "- | -"
    return f"| {name} | {len(recoveries)} | {figures}{f' ({lost} not in time)' if lost else ''} |"


def _count(one: Count) -> str:
    found = one.acknowledged - len(one.missing)
    return f"| {one.what} | {one.acknowledged} | {found} | {_few(one.missing)} | {_few(one.twice)} |"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more if names else "0"
