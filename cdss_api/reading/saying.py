"""The one Task of an order, written as something new is said of it."""

from __future__ import annotations

from collections.abc import Sequence

from cdss_api.fhir.document import Document
from cdss_api.fhir.interactions import alone_with
from cdss_api.fhir.moment import instant
from cdss_api.fhir.query import parse
from cdss_api.fhir.searching import matching
from cdss_api.fhir.store import Store, Stored
from cdss_api.fhir.validation import check
from cdss_api.reading.performing import MINE, Performed, task_of
from cdss_api.worklist.mapping import is_imaging

_OPEN = ("active", "completed", "on-hold")


def is_carried_out(order: Document) -> bool:
    """Tell whether something may be said of an order: it is for imaging, and was not withdrawn."""
    return is_imaging(order) and order.get("status") in _OPEN


def say(store: Store, order: Document, performed: Performed, reason: str) -> Stored:
    """Write what is said as the order's Task; the last to say something is right, and versions keep the rest."""
    alone_with(store, "Task", _named(order["id"]))
    known = _said(store, order["id"])
    before = known[0].document() if known else None
    task = task_of(order, before, performed, reason, instant(store.now))
    check(task)
    return store.update("Task", known[0].id, task)[0] if known else store.create("Task", task)


def said_at(store: Store, order: str) -> int | None:
    """Return when something was last said of an order, in microseconds; None where nothing was."""
    known = _said(store, order)
    return known[0].updated if known else None


def _said(store: Store, order: str) -> Sequence[Stored]:
    return matching(store, parse("Task", _named(order), strict=True), 1)


def _named(order: str) -> list[tuple[str, str]]:
    return [("identifier", f"{MINE}|{order}")]
