"""What the rules say of stored series, with nothing done about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from rich.table import Table

from neuronova.archive.asking import Asking, OddAnswer
from neuronova.archive.series import Stored, read_series
from neuronova.contract.ai.rules import Outcome, Rule, Verdict, evaluate


@dataclass(frozen=True, kw_only=True)
class Said:
    """What each rule says of a series; `problem` is why it could not be read, and then no rule says anything."""

    stored: Stored
    modality: str = ""
    description: str = ""
    images: int = 0
    verdicts: tuple[tuple[Rule, Verdict], ...] = ()
    problem: str | None = None


def dry_run(asking: Asking, stored: Iterable[Stored], rules: Sequence[Rule], at: time) -> Iterator[Said]:
    """Yield what the rules say of each series at a time of day; one series is in memory at a time.

    Raises:
        PlatformError: the platform does not answer any more.
    """
    for one in stored:
        try:
            series = read_series(asking, one)
        except OddAnswer as error:
            yield Said(stored=one, problem=str(error))
            continue
        yield Said(
            stored=one,
            modality=series.text("Modality"),
            description=series.text("SeriesDescription"),
            images=len(series.instances),
            verdicts=tuple((rule, evaluate(rule, series, at)) for rule in rules),
        )


def as_json(said: Said) -> dict[str, Any]:
    """Return it as JSON."""
    verdicts = [
        {
            "rule": rule.name,
            "model": rule.model,
            "priority": rule.priority,
            "outcome": verdict.outcome,
            "reasons": list(verdict.reasons),
        }
        for rule, verdict in said.verdicts
    ]
    return {
        "study": said.stored.study,
        "series": said.stored.series,
        "modality": said.modality,
        "description": said.description,
        "images": said.images,
        "problem": said.problem,
        "rules": verdicts,
    }


def as_table(all_said: Iterable[Said]) -> Table:
    """Return a row for each series and rule."""
    table = Table("Series", "Rule", "Says", "Why", show_lines=True)
    for said in all_said:
        described = " ".join(filter(None, (said.modality, _printable(said.description))))
        name = f"{described}, {said.images} images\n{said.stored.series}"
        if said.problem is not None:
            table.add_row(said.stored.series, "", "unreadable", said.problem)
        for rule, verdict in said.verdicts:
            fires = verdict.outcome is Outcome.FIRES
            why = f"{rule.model}, {rule.priority}" if fires else "\n".join(verdict.reasons)
            table.add_row(name, rule.name, verdict.outcome, why)
            name = ""
    return table


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
