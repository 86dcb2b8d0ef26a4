"""Rules for forwarding: which series goes to which application entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from neuronova.contract.ai.conditions import Condition, why_not
from neuronova.contract.ai.series import Series
from neuronova.contract.priority import Priority


class When(StrEnum):
    """What makes a rule send."""

    ON_ARRIVAL = "on_arrival"  # the series is quiet
    BY_COMMAND = "by_command"  # a person asks for it


class OwnResults(StrEnum):
    """Whether what the platform itself stored is sent, too."""

    LEAVE = "leave"
    SEND = "send"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingRule:
    """A rule; `to` is the AE title (PS3.5 6.2) of a modality that may store here, so that it is one we know."""

    name: str
    to: str
    priority: Priority
    when: When
    own_results: OwnResults
    conditions: tuple[Condition, ...]


def reasons_against(rule: ForwardingRule, series: Series) -> tuple[str, ...]:
    """Return why a rule does not send a series; nothing where it does."""
    if series.is_ours and rule.own_results is OwnResults.LEAVE:
        return ("the platform itself stored it",)
    return tuple(why for condition in rule.conditions if (why := why_not(condition, series)) is not None)


def sending(rules: Sequence[ForwardingRule], series: Series) -> tuple[ForwardingRule, ...]:
    """Return the rules that send a series on its arrival."""
    return tuple(one for one in rules if one.when is When.ON_ARRIVAL and not reasons_against(one, series))
