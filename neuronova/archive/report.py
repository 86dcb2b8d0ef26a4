"""What became of an archive's instances, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Instances with one status and reason; sizes are bytes."""

    status: str
    reason: str
    count: int
    bytes_before: int
    bytes_after: int


def report_table(outcomes: Sequence[Outcome]) -> Table:
    """Return a row for each status and reason; the ratio is of uncompressed pixels to HTJ2K."""
    table = Table("status", "reason", "instances", "MB before", "MB after", "ratio", title="HTJ2K of the archive")
    for column in table.columns[2:]:
        column.justify = "right"
    for outcome in outcomes:
        encoded = outcome.bytes_after > 0
        table.add_row(
            outcome.status,
            outcome.reason.replace("_", " "),
            f"{outcome.count:,}",
            f"{outcome.bytes_before / 1e6:,.1f}",
            f"{outcome.bytes_after / 1e6:,.1f}" if encoded else "",
            f"{outcome.bytes_before / outcome.bytes_after:.2f}" if encoded else "",
        )
    return table
