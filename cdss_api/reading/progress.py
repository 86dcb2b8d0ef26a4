"""How far an examination is: worked out from the resources about it each time, and stored nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from cdss_api.reading.performing import Performed, said_of

_SIGNED = frozenset({"final", "amended", "corrected", "appended"})
_CANCELLED_ORDER = frozenset({"revoked", "entered-in-error"})
_CANCELLED_STUDY = frozenset({"cancelled", "entered-in-error"})
_HERE_APPOINTMENT = frozenset({"arrived", "checked-in", "fulfilled"})
_HELD_APPOINTMENT = frozenset({"booked", "pending"})
_PLANNED_TASK = frozenset({"requested", "received", "accepted", "ready", "on-hold"})
_NO_TASK = frozenset({"draft", "cancelled", "rejected", "failed", "entered-in-error"})
_PLANNED_AT = ("occurrenceDateTime", "occurrencePeriod", "occurrenceTiming")

Resources = Iterable[Mapping[str, Any]]


class Progress(StrEnum):
    """How far it is, in the order in which it goes."""

    REQUESTED = "requested"
    SCHEDULED = "scheduled"
    ARRIVED = "arrived"
    IN_PROGRESS = "in-progress"  # images are stored, or it is said that it has begun or was done
    REPORTED = "reported"  # preliminary
    SIGNED = "signed"
    CANCELLED = "cancelled"


def progress_of(
    order: Mapping[str, Any] | None,
    *,
    appointments: Resources = (),
    tasks: Resources = (),
    studies: Resources = (),
    reports: Resources = (),
) -> Progress:
    """Return how far an examination is, by the latest thing that is known of it; a study may have no order.

    What was cancelled after images came stays with them: they are to be reported.
    """
    reported = {one.get("status") for one in reports}
    if reported & _SIGNED:
        return Progress.SIGNED
    if "preliminary" in reported:
        return Progress.REPORTED
    if any(one.get("status") not in _CANCELLED_STUDY for one in studies):
        return Progress.IN_PROGRESS
    if order is None or order.get("status") in _CANCELLED_ORDER:
        return Progress.CANCELLED
    return _before_images(order, {str(one.get("status")) for one in appointments}, list(tasks))


def is_signed(report: Mapping[str, Any]) -> bool:
    """Tell whether a DiagnosticReport was signed: from then on it can only be amended (FHIR R4 10.3.3.1)."""
    return report.get("status") in _SIGNED


def _before_images(order: Mapping[str, Any], appointments: set[str], tasks: list[Mapping[str, Any]]) -> Progress:
    held = {str(one.get("status")) for one in tasks} - _NO_TASK
    if "completed" in held or order.get("status") == "completed" or said_of(tasks) == Performed.STARTED:
        return Progress.IN_PROGRESS
    if "in-progress" in held or appointments & _HERE_APPOINTMENT:
        return Progress.ARRIVED
    if appointments & _HELD_APPOINTMENT or held & _PLANNED_TASK or any(name in order for name in _PLANNED_AT):
        return Progress.SCHEDULED
    return Progress.REQUESTED
