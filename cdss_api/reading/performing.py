"""What a technologist, or a modality, says of an order, as the one Task that carries it out (FHIR R4 12.1): pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from cdss_api.fhir.document import Document

MINE = "urn:neuronova:performing"  # of the Task's identifier, which is the order's id, and of its status


class Performed(StrEnum):
    """What is said."""

    ARRIVED = "arrived"
    STARTED = "started"
    DONE = "done"
    NOT_DONE = "not-done"


# `completed` takes the order from the modality worklist; `cancelled` leaves it there, for another day (worklist.md).
_STATUS: Mapping[Performed, str] = MappingProxyType(
    {
        Performed.ARRIVED: "in-progress",
        Performed.STARTED: "in-progress",
        Performed.DONE: "completed",
        Performed.NOT_DONE: "cancelled",
    }
)


def task_of(order: Document, before: Document | None, performed: Performed, reason: str, now: str) -> Document:
    """Return the Task's next version; `now` is an instant.

    It has no period and no owner: the worklist would take them for the plan of when and by whom.
    """
    task: Document = {
        **({"id": before["id"]} if before is not None else {}),
        "resourceType": "Task",
        "identifier": [{"system": MINE, "value": order["id"]}],
        "status": _STATUS[performed],
        "businessStatus": {"coding": [{"system": MINE, "code": performed.value}]},
        "intent": "order",
        "focus": {"reference": f"ServiceRequest/{order['id']}"},
        "for": order.get("subject"),
        "authoredOn": now if before is None else before.get("authoredOn", now),
        "lastModified": now,
        "statusReason": {"text": reason} if performed is Performed.NOT_DONE else None,
    }
    return {name: value for name, value in task.items() if value is not None}


def said_of(tasks: Iterable[Mapping[str, Any]]) -> str:
    """Return what was said last, nothing where nothing was."""
    codings = [one for task in tasks for one in task.get("businessStatus", {}).get("coding", ())]
    return next((str(one.get("code", "")) for one in codings if one.get("system") == MINE), "")


def reason_of(tasks: Iterable[Document]) -> str:
    """Return why an order was not carried out, by what was said of it last."""
    for task in tasks:
        if any(one.get("system") == MINE for one in task.get("identifier", ())):
            return str((task.get("statusReason") or {}).get("text", ""))
    return ""
