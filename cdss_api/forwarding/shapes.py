"""What the routes of forwarding take and give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from cdss_api.forwarding.models import Forward, State
from cdss_api.input import Input
from cdss_api.modalities.routes import Title
from neuronova.contract.priority import Priority

if TYPE_CHECKING:  # reading rules loads pydicom
    from neuronova.contract.forwarding.rules import ForwardingRule


class ForwardingRuleEntry(BaseModel):
    """A rule of the file; `conditions` in words."""

    name: str
    to: str
    priority: Priority
    when: str = Field(description="on_arrival or by_command.")
    own_results: str = Field(description="leave or send.")
    conditions: list[str]
    known: bool = Field(description="There is a modality of that AE title that may store.")


class ForwardingRulesAnswer(BaseModel):
    """The rules as the file has them now, or why it cannot be read; `file` is none where nothing is sent."""

    file: str | None
    problem: str | None
    rules: list[ForwardingRuleEntry]


class ForwardsQuery(Input):
    """Which series, the newest first; `before` is the last number of the page before."""

    state: State | None = None
    destination: Title | None = None
    before: int | None = Field(default=None, ge=1, le=(1 << 63) - 1)
    count: int = Field(default=50, ge=1, le=500)


class ForwardEntry(BaseModel):
    """A series on its way; times are in seconds since 1970, `message` is its message in the outbox."""

    number: int
    destination: str
    rule: str = Field(description="Empty where somebody asked for it.")
    study: str
    series: str
    patient_id: str
    issuer: str
    priority: str
    state: State
    detail: str | None
    message: int | None
    created_at: float
    ended_at: float | None


class DestinationCounts(BaseModel):
    """How many series are in each state."""

    destination: str
    counts: dict[State, int]


class DestinationsAnswer(BaseModel):
    """How it stands with each destination."""

    destinations: list[DestinationCounts]


class ForwardsAnswer(BaseModel):
    """A page."""

    forwards: list[ForwardEntry]
    more: bool


def rule_entry(rule: ForwardingRule, *, known: bool) -> ForwardingRuleEntry:
    """Return a rule as it is told."""
    return ForwardingRuleEntry(
        name=rule.name,
        to=rule.to,
        priority=rule.priority,
        when=rule.when,
        own_results=rule.own_results,
        conditions=[str(one) for one in rule.conditions],
        known=known,
    )


def forward_entry(row: Forward) -> ForwardEntry:
    """Return a series as it is told."""
    return ForwardEntry(**{name: getattr(row, name) for name in ForwardEntry.model_fields})
