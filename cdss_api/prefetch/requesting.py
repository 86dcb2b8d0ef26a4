"""What follows for priors from an order that is scheduled: rows and messages, in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy import select

from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from cdss_api.fhir.document import Document
from cdss_api.fhir.linked import by_id
from cdss_api.fhir.store import Store, Stored
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.prefetch.models import Prefetch, State
from cdss_api.prefetch.ordered import digest, facts_of, orders_concerned
from cdss_api.worklist.reading import read_entries_of
from neuronova.contract.grants import Patient
from neuronova.contract.prefetch.rules import PrefetchRule, means
from neuronova.contract.worklist import Entry

TARGET = "prefetch"
"""The first word of the targets' names; the archive's AE title follows."""
KIND = "order"
_OPEN = (State.QUEUED, State.FETCHING)


def follow(rules: Sequence[PrefetchRule], work: Work, store: Store, written: Sequence[Stored]) -> None:
    """Ask for the priors of the orders that are on the worklist by what was written, and drop what is no more."""
    if rules:
        settle(rules, work, orders_concerned(written))


def settle(
    rules: Sequence[PrefetchRule], work: Work, concerned: Collection[str], *, again: bool = False
) -> Sequence[Prefetch]:
    """Do what the rules say of orders as they are now; return what is asked for by that.

    What was asked for already is not asked for anew, unless it is by hand (`again`).
    """
    requested = []
    orders = by_id(work.session, "ServiceRequest", concerned) if concerned else {}
    entries = {entry.order: entry for entry in read_entries_of(work.session, orders.values())} if orders else {}
    for id_ in sorted(concerned):
        rows = work.session.scalars(select(Prefetch).where(Prefetch.order_id == id_).with_for_update())
        known = {row.rule: row for row in rows}
        for rule, asked, entry in _meant(rules, orders, entries.get(id_)):
            row = known.pop(rule.name, None)
            if row is None or row.asked != asked or row.state == State.SUPERSEDED or again:
                row = row or Prefetch(order_id=id_, rule=rule.name, run=0, created_at=work.now)
                row.archive, row.asked = rule.archive, asked
                row.patient_id, row.issuer = entry.patient_id, entry.issuer
                request(work, row)
                requested.append(row)
        for row in known.values():
            if row.state in _OPEN:
                row.state, row.ended_at = State.SUPERSEDED, work.now
                row.detail = "The order is not scheduled any more, or the rule does not mean it."
    return requested


def _meant(
    rules: Sequence[PrefetchRule], orders: Mapping[str, Document], entry: Entry | None
) -> Iterator[tuple[PrefetchRule, str, Entry]]:
    """Yield the rules that mean an order, by archive, as all who write several messages do."""
    if entry is None:
        return
    facts = facts_of(orders[entry.order], entry)
    for rule in sorted(rules, key=lambda one: (one.archive, one.name)):
        if means(rule, facts):
            yield rule, digest(rule, entry, facts), entry


def request(work: Work, row: Prefetch) -> None:
    """Have an archive asked (again) for an order's priors.

    It is written to the audit trail before: the archive is told of a patient.
    """
    patient = Patient(row.patient_id, row.issuer)
    work.record(Action.PREFETCH, patient=patient, order=row.order_id, archive=row.archive, rule=row.rule)
    row.run += 1
    row.state, row.detail, row.ended_at = State.QUEUED, None, None
    work.session.add(row)
    work.session.flush()
    payload = json.dumps({"prefetch": row.number, "run": row.run})
    target, aggregate = f"{TARGET}:{row.archive}", f"prefetch/{row.number}.{row.run}"
    row.message = enqueue(work.session, target=target, aggregate=aggregate, kind=KIND, payload=payload, now=work.now)
    work.session.flush()
