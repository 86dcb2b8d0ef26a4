"""Rules for prefetch: for which order which earlier studies are fetched from which archive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from neuronova.contract.text import folded


class ComesAs(StrEnum):
    """What a study that was fetched is taken for."""

    PRIOR = "prior"  # it is on no reading list, and no rule for models or forwarding means it
    NEW = "new"  # as if a modality had sent it


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """What rules know of an order: modality, codes of its procedure, what it and its body sites are called."""

    modality: str
    codes: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFound:
    """A study as another archive tells of it: DICOM's values without padding, empty where it tells none."""

    study: str
    date: str
    description: str
    modalities: tuple[str, ...]
    images: int | None
    patient_id: str
    issuer: str
    patient_name: str
    birth_date: str
    sex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefetchRule:
    """A rule; `archive` is an AE title that may store here. What is empty, or None, asks for nothing.

    `order_..` are about the order, `..words` are looked for in what it or a study is called; `years` is how old a study
    may be at most, and `most` how many are chosen, the newest first.
    """

    name: str
    archive: str
    order_modalities: tuple[str, ...] = ()
    order_codes: tuple[str, ...] = ()
    order_words: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    years: int | None = None
    most: int
    comes_as: ComesAs


def means(rule: PrefetchRule, order: OrderFacts) -> bool:
    """Tell whether a rule is for an order."""
    return (
        (not rule.order_modalities or order.modality in rule.order_modalities)
        and (not rule.order_codes or not set(rule.order_codes).isdisjoint(order.codes))
        and _says(rule.order_words, order.words)
    )


def fits(rule: PrefetchRule, found: StudyFound, today: date) -> bool:
    """Tell whether a study is one that the rule wants; what the archive does not tell speaks against nothing."""
    return (
        (not rule.modalities or not found.modalities or not set(rule.modalities).isdisjoint(found.modalities))
        and (not found.description or _says(rule.words, found.description))
        and (rule.years is None or not found.date or found.date >= _earliest(today, rule.years))
    )


def newest_first(studies: Iterable[StudyFound]) -> Sequence[StudyFound]:
    """Return studies by date, those without one last."""
    return sorted(studies, key=lambda one: (one.date, one.study), reverse=True)


def _says(words: Sequence[str], text: str) -> bool:
    said = folded(text)
    return not words or any(folded(one) in said for one in words)


def _earliest(today: date, years: int) -> str:
    """Return a date as DA, which compares as text."""
    return f"{max(today.year - years, 1):04}{today:%m%d}"
