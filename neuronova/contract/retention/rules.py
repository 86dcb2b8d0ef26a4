"""Rules for retention: how long which study is kept, and what happens then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from neuronova.contract.ai.conditions import Condition, why_not
from neuronova.contract.ai.series import Series

DAY = 86400.0


class Since(StrEnum):
    """From when a study's days are counted."""

    STUDY_DATE = "study_date"
    ARRIVAL = "arrival"
    LAST_USE = "last_use"  # when somebody last opened it, or it arrived


class Then(StrEnum):
    """What happens to a study whose days are over."""

    REPORT = "report"  # it is listed, and stays
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """A rule; `copied_to` are the AE titles that have to confirm all images before it deletes (none: `nowhere`)."""

    name: str
    keep_days: int
    since: Since
    then: Then
    copied_to: tuple[str, ...]
    a_day: int
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """What rules know of a study; times are seconds since the epoch, `study_date` is None where it says none.

    `series` has the attributes of each of its series in the place of an instance.
    """

    series: Series
    study_date: float | None
    arrived: float
    last_used: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A study's days are over at `at` (seconds since the epoch), by the rule that decides about it."""

    rule: RetentionRule
    at: float


def due(rules: Sequence[RetentionRule], study: StudyFacts) -> Due | None:
    """Return when a study's days are over; the first rule that means it decides, and without one it stays for ever."""
    for rule in rules:
        if all(why_not(condition, study.series) is None for condition in rule.conditions):
            since = counted_from(rule, study)
            return None if since is None else Due(rule=rule, at=since + rule.keep_days * DAY)
    return None


def counted_from(rule: RetentionRule, study: StudyFacts) -> float | None:
    """Return the moment from which a rule counts, None where the study does not have it."""
    match rule.since:
        case Since.STUDY_DATE:
            return study.study_date
        case Since.ARRIVAL:
            return study.arrived
        case Since.LAST_USE:
            return max(study.arrived, study.last_used)
