"""What the rules ask for of the series that were sent: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import time

from pydicom.dataset import Dataset

from neuronova.contract.ai.rules import Outcome, Rule, evaluate
from neuronova.contract.ai.series import series_of

_PIXEL_DATA = 0x7FE00010


@dataclass(frozen=True)
class Wanted:
    """A job that has to come of a series; `rule` is none where no rule is for it."""

    study: str
    series: str
    what: str
    rule: str | None


def wanted_of(images: Iterable[Dataset], rules: Sequence[Rule], at: time) -> Iterator[Wanted]:
    """Yield what the rules ask for of each series at a time of day."""
    series: dict[tuple[str, str], list[Dataset]] = {}
    for image in images:
        series.setdefault((str(image.StudyInstanceUID), str(image.SeriesInstanceUID)), []).append(image)
    for (study, uid), of_it in series.items():
        known = series_of([_without_pixels(image).to_json_dict() for image in of_it])
        first = of_it[0]
        what = f"{first.get('Modality', '')} {first.get('SeriesDescription', '')}, {len(of_it)} images".strip()
        said = ((rule.name, evaluate(rule, known, at).outcome) for rule in rules)
        asked = [name for name, outcome in said if outcome in (Outcome.FIRES, Outcome.REPORTS)]
        for name in asked:
            yield Wanted(study, uid, what, name)
        if not asked:
            yield Wanted(study, uid, what, None)


def _without_pixels(image: Dataset) -> Dataset:
    return Dataset({tag: image[tag] for tag in image.keys() if tag != _PIXEL_DATA})  # noqa: SIM118 - a Dataset
