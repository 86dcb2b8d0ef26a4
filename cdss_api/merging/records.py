"""What is in a Patient's record, found by the store's own tables, and moved to another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.fhir.document import Document
from cdss_api.fhir.keeping import current
from cdss_api.fhir.linked import by_id, numbered
from cdss_api.fhir.models import Compartment, ReferenceValue, Resource
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.replaced import REPLACED_BY, REPLACES
from cdss_api.fhir.store import Store
from cdss_api.merging.patients import apart, moved

MOST = 5000  # resources in one transaction
# Traces say what happened when it happened, to whom it was known as then.
_TRACES = frozenset({"AuditEvent", "Provenance"})

Written = tuple[str, str, int]  # type, id, version


def record_of(session: Session, patient: str) -> list[Document]:
    """Return the resources that refer to a Patient, as they now are, but Patients and traces.

    Raises:
        Refused: 422 where there are more than `MOST`.
    """
    inside = select(Compartment.number).where(Compartment.patient == patient)
    refers = select(ReferenceValue.number).where(
        ReferenceValue.target_kind == "Patient", ReferenceValue.target_id == patient, ReferenceValue.url == ""
    )
    kinds = (Resource.kind != "Patient", Resource.kind.not_in(_TRACES), ~Resource.deleted)
    rows = select(Resource.number).where(Resource.number.in_(inside.union(refers)), *kinds).order_by(Resource.number)
    numbers = list(session.scalars(rows.limit(MOST + 1)))
    if len(numbers) > MOST:
        raise Refused(422, "too-costly", f"The source's record has more than {MOST} resources.")
    found = numbered(session, numbers)
    return [found[number] for number in numbers if number in found]


def patient(session: Session, id_: str) -> Document | None:
    """Return a Patient as it now is, None where there is none."""
    return by_id(session, "Patient", [id_]).get(id_)


def counts(documents: Iterable[Document]) -> Mapping[str, int]:
    """Return how many there are of each type."""
    return Counter(sorted(str(one["resourceType"]) for one in documents))


def give(store: Store, documents: Iterable[Document], source: str, target: str) -> list[Written]:
    """Write each resource anew as the target's."""
    return [_write(store, one, moved(one, source, target)) for one in documents]


def take_back(store: Store, written: Iterable[Written], source: str, target: str) -> None:
    """Give what a merge wrote to whom it was of: as it was where nobody changed it since, else with its references."""
    for kind, id_, version in written:
        now = current(store, kind, id_)
        if now is None:
            continue
        before = store.vread(kind, id_, str(version - 1)).document()
        if now["meta"]["versionId"] == str(version):
            _write(store, now, before)
        elif kind != "Patient":
            _write(store, now, moved(now, target, source))
        elif id_ == source:
            _write(store, now, apart(now, before, target, REPLACED_BY))
        else:
            _write(store, now, apart(now, before, source, REPLACES))


def _write(store: Store, now: Document, document: Document) -> Written:
    kind, id_ = str(now["resourceType"]), str(now["id"])
    store.moved.add(f"{kind}/{id_}")
    stored, _ = store.update(kind, id_, document)
    return kind, id_, stored.version
