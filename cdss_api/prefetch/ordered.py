"""An order as rules know it, and what of it its priors depend on: pure functions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from cdss_api.fhir.document import Document
from cdss_api.fhir.store import Stored
from cdss_api.worklist.mapping import codings_of, link_to
from neuronova.contract.prefetch.rules import OrderFacts, PrefetchRule
from neuronova.contract.worklist import Entry

_ORDER = "ServiceRequest/"


def orders_concerned(written: Sequence[Stored]) -> set[str]:
    """Return the ids of the orders that were written, or for which an Appointment or a Task was."""
    return {
        link.removeprefix(_ORDER)
        for one in written
        for link in ([one.address] if one.kind == "ServiceRequest" else _links(one))
        if link.startswith(_ORDER)
    }


def _links(written: Stored) -> Iterator[str]:
    if written.body is None or written.kind not in ("Appointment", "Task"):
        return
    document = written.document()
    for reference in (document.get("focus"), *document.get("basedOn", ())):
        yield link_to(reference)


def facts_of(order: Document, entry: Entry) -> OrderFacts:
    """Return what rules know of an order."""
    concepts = [order.get("code"), *order.get("orderDetail", ()), *order.get("bodySite", ())]
    codings = [coding for concept in concepts for coding in codings_of(concept)]
    texts = [str((concept or {}).get("text", "")) for concept in concepts]
    return OrderFacts(
        modality=entry.step.modality,
        codes=tuple(str(one["code"]) for one in codings if "code" in one),
        words=" ".join(filter(None, [*texts, *(str(one.get("display", "")) for one in codings)])),
    )


def digest(rule: PrefetchRule, entry: Entry, facts: OrderFacts) -> str:
    """Return what is the same as long as nothing changed on which the order's priors depend; the day is part of it."""
    parts = (rule, facts, entry.patient_id, entry.issuer, entry.study_uid, entry.step.date)
    return hashlib.sha256(repr(parts).encode()).hexdigest()
