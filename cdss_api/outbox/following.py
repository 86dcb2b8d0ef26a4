"""What changes in the record becomes messages, one for each target that wants the type, in the same transaction.

All that is about one patient forms one stream, `Patient/ID`: a patient goes before the study and the study before the
report, with no other rule needed, and one patient whose message is stuck holds up nobody else's. What is about nobody,
and what is about several, has a stream of its own, `TYPE/ID`; what such a resource refers to is delivered before it
(`fhir_delivery`), so that order across streams is not relied on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from cdss_api.accounts.work import Work
from cdss_api.fhir.compartment import patients_of
from cdss_api.fhir.document import write
from cdss_api.fhir.models import Compartment, Resource
from cdss_api.fhir.store import Store, Stored
from cdss_api.outbox.configured_targets import ConfiguredTarget
from cdss_api.outbox.enqueueing import enqueue

PUT, DELETE = "put", "delete"


class _Due(NamedTuple):
    target: str
    aggregate: str
    kind: str
    payload: str


def follow(work: Work, store: Store, written: Sequence[Stored]) -> None:
    """Write the messages that follow from versions that this transaction made."""
    configured = list(work.session.scalars(select(ConfiguredTarget)))
    if not configured:
        return
    due = []
    for one in written:
        wanting = [target.target for target in configured if one.kind in target.kinds]
        if wanting:
            aggregate = _aggregate(store, one)
            due += [_Due(target, aggregate, kind_of(one), payload_of(one)) for target in wanting]
    # Streams are locked in one order everywhere; a sort keeps what is of one stream in its own.
    for message in sorted(due, key=lambda message: (message.target, message.aggregate)):
        enqueue(work.session, **message._asdict(), now=work.now)


def kind_of(stored: Stored) -> str:
    """Return a message's kind."""
    return DELETE if stored.body is None else PUT


def payload_of(stored: Stored) -> str:
    """Return a resource as it is stored, or of a deletion its address and version."""
    if stored.body is not None:
        return stored.body
    return write({"resourceType": stored.kind, "id": stored.id, "meta": {"versionId": str(stored.version)}})


def _aggregate(store: Store, stored: Stored) -> str:
    if stored.kind == "Patient":
        return stored.address
    if stored.body is None:
        return aggregate_of(store, stored.kind, stored.id)
    patients = patients_of(stored.document())
    return f"Patient/{min(patients)}" if len(patients) == 1 else stored.address


def aggregate_of(store: Store, kind: str, id_: str) -> str:
    """Return the stream of a resource as it was last stored; a deleted one stays in its patient's compartment."""
    if kind == "Patient":
        return f"{kind}/{id_}"
    of = select(Compartment.patient).join(Resource, Resource.number == Compartment.number)
    patients = list(store.session.scalars(of.where(Resource.kind == kind, Resource.logical_id == id_)))
    return f"Patient/{patients[0]}" if len(patients) == 1 else f"{kind}/{id_}"
