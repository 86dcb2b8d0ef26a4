"""A result in words: the same in the report that is stored, on the reading page, and in notifications."""

from __future__ import annotations

from collections.abc import Iterable

from neuronova.contract.inference import Finding, Measurement, Result
from neuronova.contract.text import marked

NOT_FOR_DIAGNOSIS = marked("AI, not for diagnosis")
_SHOWN = {"1": "", "[hnsf'U]": " HU", "mm2": " mm²", "mm3": " mm³", "cm3": " cm³"}  # where UCUM's symbol is no reader's


def amount(value: float, unit: str) -> str:
    """Return a number with its unit as a reader writes it, with as many digits as it was rounded to."""
    written = f"{value:,.2f}".rstrip("0").rstrip(".")
    return written + _SHOWN.get(unit, f" {unit}")


def measured(measurement: Measurement) -> str:
    """Return a measurement as a line."""
    return f"{measurement.name}: {amount(measurement.value, measurement.unit)}"


def found(finding: Finding) -> str:
    """Return a finding as a line."""
    numbers = ", ".join(f"{one.name.lower()} {amount(one.value, one.unit)}" for one in finding.measurements)
    return f"{finding.label}: {numbers}" if numbers else finding.label


def summary(result: Result) -> list[str]:
    """Return what a model says, the measurements first."""
    return [*map(measured, result.measurements), *map(found, result.findings)]


def provenance(result: Result) -> str:
    """Return which model says it."""
    model = result.model
    return f"{model.id} {model.version} (digest {model.digest[:12]})"


def text(result: Result) -> str:
    """Return all of it, limits included, as plain text."""
    return "\n".join([f"{NOT_FOR_DIAGNOSIS}. {provenance(result)}", *summary(result), *_listed(result.limits)])


def _listed(lines: Iterable[str]) -> list[str]:
    return [f"- {line}" for line in lines]
