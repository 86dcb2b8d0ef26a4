"""docs/benchmarks.md, from its words in page.md and what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.report import Detail, Result, Row, table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

TEMPLATE = Path(__file__).with_name("page.md")


def write_page(
    results: Sequence[Result], machine: str, command: str, when: str, minutes: float, page: Path = PAGE
) -> None:
    """Write the page."""
    page.write_text(
        TEMPLATE.read_text().format(
            command=command,
            when=when,
            minutes=minutes,
            table=table([one for one in results if isinstance(one, Row)]),
            details="\n".join(f"- {one.text}" for one in results if isinstance(one, Detail)),
            machine=machine,
        )
    )
