"""Rules: which model runs on which series, and what a rule says of a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from neuronova.contract.ai.conditions import Condition, Range, why_not
from neuronova.contract.ai.geometry import NoVolume, volume_of
from neuronova.contract.ai.series import Series
from neuronova.contract.priority import Priority


class WhenItCannot(StrEnum):
    """What becomes of a series that a rule is meant for and that its model cannot use."""

    SKIP = "skip"
    REPORT = "report"


class Outcome(StrEnum):
    """What a rule says of a series."""

    FIRES = "fires"
    SKIPS = "skips"  # it is meant for the series, which lacks what the model needs
    REPORTS = "reports"  # the same, and that is to be said
    NOT_MEANT = "not meant"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeNeeds:
    """What a volume has to be like; lengths in mm."""

    pixel_spacing: Range | None = None
    slice_distance: Range | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a model needs of a series."""

    images: Range | None = None
    volume: VolumeNeeds | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """A time of day from `begin` until before `end`; over midnight where `end` is not later."""

    begin: time
    end: time

    def __contains__(self, at: time) -> bool:
        if self.begin < self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule; `conditions` and `hours` say what it is meant for, `needs` what its model takes."""

    name: str
    model: str
    priority: Priority
    when_it_cannot: WhenItCannot
    conditions: tuple[Condition, ...]
    needs: Needs = Needs()
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of a series, with every reason why it does not fire."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()


def evaluate(rule: Rule, series: Series, at: time) -> Verdict:
    """Return what a rule says of a series that is looked at at a time of day, the hospital's.

    No rule is meant for what the platform itself stored.
    """
    if series.is_ours:
        return Verdict(Outcome.NOT_MEANT, ("the platform itself stored it",))
    reasons = [why for condition in rule.conditions if (why := why_not(condition, series)) is not None]
    if rule.hours is not None and at not in rule.hours:
        begin, end = (one.strftime("%H:%M") for one in (rule.hours.begin, rule.hours.end))
        reasons.append(f"it is {at:%H:%M}, not between {begin} and {end}")
    if reasons:
        return Verdict(Outcome.NOT_MEANT, tuple(reasons))
    lacking = _lacking(rule.needs, series)
    if not lacking:
        return Verdict(Outcome.FIRES)
    outcome = Outcome.REPORTS if rule.when_it_cannot is WhenItCannot.REPORT else Outcome.SKIPS
    return Verdict(outcome, tuple(lacking))


def _lacking(needs: Needs, series: Series) -> list[str]:
    lacking = []
    count = len(series.instances)
    if needs.images is not None and not needs.images.passes(count):
        lacking.append(f"it has {count} images, not {needs.images}")
    if needs.volume is not None:
        volume = volume_of(series)
        if isinstance(volume, NoVolume):
            return [*lacking, volume.reason]
        lacking += _outside("pixel spacing", volume.spacing, needs.volume.pixel_spacing)
        lacking += _outside("slice distance", volume.distances, needs.volume.slice_distance)
    return lacking


def _outside(name: str, lengths: Sequence[float], wanted: Range | None) -> list[str]:
    if wanted is None or all(wanted.passes(length) for length in lengths):
        return []
    low, high = min(lengths), max(lengths)
    found = f"{low:.3g}" if high - low < 0.005 else f"{low:.3g} to {high:.3g}"
    return [f"{name} is {found} mm, not {wanted} mm"]
