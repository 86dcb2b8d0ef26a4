"""What was measured, as Markdown: a column for each size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proof.scale.measuring import Measured

_SHOWN = 12  # tables, the largest


def table_of_calls(calls: Mapping[int, Mapping[str, Measured]]) -> str:
    """Return median and p95 of each call, and the pages that it touches where the database tells."""
    rows = [[what, *(_said(of[what]) for of in calls.values())] for what in next(iter(calls.values()))]
    return _table(["call: median / p95, ms (pages)", *(f"{size:,}" for size in calls)], rows)


def table_of_sizes(sizes: Mapping[int, Mapping[str, tuple[int, int]]]) -> str:
    """Return the bytes a study of the largest tables and of their indexes, and of all together."""
    largest = list(sizes.values())[-1]
    rows = [
        [name, *(f"{of[name][0] / size:,.0f} + {of[name][1] / size:,.0f}" for size, of in sizes.items())]
        for name in list(largest)[:_SHOWN]
    ]
    rows.append(["all", *(f"{sum(map(sum, of.values())) / size:,.0f}" for size, of in sizes.items())])
    return _table(["bytes a study: table + indexes", *(f"{size:,}" for size in sizes)], rows)


def _said(one: Measured) -> str:
    pages = "" if one.pages is None else f" ({one.pages:,})"
    return f"{one.median:.1f} / {one.p95:.1f}{pages}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = "---|" + "---:|" * (len(head) - 1)
    return "\n".join([f"| {' | '.join(head)} |", f"|{rule}", *(f"| {' | '.join(row)} |" for row in rows)])
