"""What the routes of prefetch take and give."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, Field

from cdss_api.input import Input
from cdss_api.prefetch.models import Prefetch, Prior, PriorState, State
from neuronova.contract.prefetch.rules import ComesAs, PrefetchRule

_LARGEST = (1 << 63) - 1


class PrefetchRuleEntry(BaseModel):
    """A rule in force; what is empty, or null, asks for nothing."""

    name: str
    archive: str
    order_modalities: list[str]
    order_codes: list[str]
    order_words: list[str]
    modalities: list[str]
    words: list[str]
    years: int | None
    most: int
    comes_as: ComesAs
    known: bool = Field(description="There is a modality of that AE title that may store.")


class PrefetchRulesAnswer(BaseModel):
    """The rules as the service read them at its start; `file` is none where nothing is fetched."""

    file: str | None
    rules: list[PrefetchRuleEntry]


class PrefetchQuery(Input):
    """Which orders' priors, the newest first; `before` is the last number of the page before."""

    state: State | None = None
    before: int | None = Field(default=None, ge=1, le=_LARGEST)
    count: int = Field(default=50, ge=1, le=500)


class PrefetchPath(Input):
    """Which one."""

    number: int = Field(ge=1, le=_LARGEST)


class PriorEntry(BaseModel):
    """A study that the archive has; `images` as the archive tells, `detail` why it did not come."""

    study: str
    date: str
    description: str
    modalities: str
    images: int | None
    state: PriorState
    detail: str | None


class PrefetchEntry(BaseModel):
    """An order's priors from an archive; times are in seconds since 1970, `message` is its message in the outbox."""

    number: int
    order: str
    rule: str
    archive: str
    patient_id: str
    issuer: str
    state: State
    detail: str | None
    message: int | None
    created_at: float
    ended_at: float | None
    priors: list[PriorEntry]


class PrefetchAnswer(BaseModel):
    """A page."""

    prefetches: list[PrefetchEntry]
    more: bool


def rule_entry(rule: PrefetchRule, *, known: bool) -> PrefetchRuleEntry:
    """Return a rule as it is told."""
    told = {name: getattr(rule, name) for name in PrefetchRuleEntry.model_fields if name != "known"}
    return PrefetchRuleEntry(**told, known=known)


def prefetch_entry(row: Prefetch, priors: Iterable[Prior]) -> PrefetchEntry:
    """Return an order's priors as they are told."""
    told = {name: getattr(row, name) for name in PrefetchEntry.model_fields if name not in ("order", "priors")}
    entries = [PriorEntry(**{name: getattr(one, name) for name in PriorEntry.model_fields}) for one in priors]
    return PrefetchEntry(**told, order=row.order_id, priors=entries)
