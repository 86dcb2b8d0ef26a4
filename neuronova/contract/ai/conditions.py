"""A condition on the values that the instances of a series have for an attribute."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from neuronova.contract.ai.attributes import Attribute, Instance, values_of
from neuronova.contract.ai.series import Series

Values = tuple[str | float, ...]
_MOST_SHOWN = 3
_LONGEST_SHOWN = 40


class Quantifier(StrEnum):
    """How many instances have to pass the test."""

    ALL = "all"
    ANY = "any"
    NONE = "none"


class Comparison(StrEnum):
    """How text is compared, always without regard to case."""

    EQUALS = "equals"
    CONTAINS = "contains"
    MATCHES = "matches"  # with the wildcards of a DICOM query, PS3.4 C.2.2.2.4


@dataclass(frozen=True, slots=True)
class Texts:
    """Passed by what compares with one of `values`, folded in case."""

    comparison: Comparison
    values: tuple[str, ...]

    def passes(self, value: str | float) -> bool:
        """Tell whether a value passes."""
        folded = str(value).casefold()
        return any(_COMPARISONS[self.comparison](folded, wanted) for wanted in self.values)

    def __str__(self) -> str:
        return f"{self.comparison} {' or '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Numbers:
    """Passed by what is one of `values`."""

    values: tuple[float, ...]

    def passes(self, value: str | float) -> bool:
        """Tell whether a value passes."""
        return value in self.values

    def __str__(self) -> str:
        return f"equals {' or '.join(f'{one:g}' for one in self.values)}"


@dataclass(frozen=True, slots=True)
class Range:
    """Passed by numbers from `low` to `high`, both included; None is no bound."""

    low: float | None
    high: float | None

    def passes(self, value: str | float) -> bool:
        """Tell whether a value passes."""
        number = float(value)
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        bounds = (("from", self.low), ("to", self.high))
        return " ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of `attributes`, whose values are taken together.

    Of several values one has to pass, as one of the values of Image Type does; of a range all, as both values of Pixel
    Spacing do. Under `NONE` no value of any instance may pass. An instance without a value does not pass.
    """

    quantifier: Quantifier
    attributes: tuple[Attribute, ...]
    test: Texts | Numbers | Range

    def __str__(self) -> str:
        return f"{self.quantifier} {' or '.join(one.keyword for one in self.attributes)} {self.test}"


def why_not(condition: Condition, series: Series) -> str | None:
    """Return why a series does not meet a condition, None where it does."""
    having = [_values(condition, instance) for instance in series.instances]
    passing = [_passes(condition, values) for values in having]
    total, met = len(having), sum(passing)
    match condition.quantifier:
        case Quantifier.ALL if met < total:
            count, which = total - met, False
        case Quantifier.ANY if met == 0:
            count, which = total, False
        case Quantifier.NONE if met:
            count, which = met, True
        case _:
            return None
    odd = [values for values, passed in zip(having, passing, strict=True) if passed is which]
    said = f"{condition}: {count} of {total} images {'pass' if which else 'do not'}"
    shown = all(one.shown for one in condition.attributes)
    return f"{said} ({_sample(odd)})" if shown else said


def _values(condition: Condition, instance: Instance) -> Values:
    return tuple(value for attribute in condition.attributes for value in values_of(instance, attribute))


def _passes(condition: Condition, values: Values) -> bool:
    whole = isinstance(condition.test, Range) and condition.quantifier is not Quantifier.NONE
    passed = [condition.test.passes(value) for value in values]
    return bool(passed) and (all(passed) if whole else any(passed))


def _sample(odd: Sequence[Values]) -> str:
    texts = list(dict.fromkeys("\\".join(map(_shown, values)) or "no value" for values in odd))
    return ", ".join(texts[:_MOST_SHOWN]) + (", .." if len(texts) > _MOST_SHOWN else "")


def _shown(value: str | float) -> str:
    text = f"{value:g}" if isinstance(value, float) else value
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_LONGEST_SHOWN])


@lru_cache(maxsize=1024)
def _pattern(wildcards: str) -> re.Pattern[str]:
    # Only * and ? mean something. What fnmatch makes of them does not go back over what it matched.
    return re.compile(fnmatch.translate(wildcards.replace("[", "[[]")))


_COMPARISONS: Mapping[Comparison, Callable[[str, str], bool]] = {
    Comparison.EQUALS: lambda value, wanted: value == wanted,
    Comparison.CONTAINS: lambda value, wanted: wanted in value,
    Comparison.MATCHES: lambda value, wanted: _pattern(wanted).match(value) is not None,
}
