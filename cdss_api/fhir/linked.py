"""Many resources and what refers to them, read from the store's tables in few queries, whatever their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, not_, select
from sqlalchemy.orm import Session

from cdss_api.fhir.document import Document, read
from cdss_api.fhir.models import ReferenceValue, Resource, Version

Value = TypeVar("Value")
Linked = Mapping[str, Sequence[Document]]

_CHUNK = 500  # values in one IN: below every database's limit


def by_id(session: Session, kind: str, ids: Iterable[str], *seen: ColumnElement[bool]) -> dict[str, Document]:
    """Return by id the resources of a type that there are; `seen` are conditions on Resource."""
    numbers: list[int] = []
    for some in chunks(ids):
        numbers += session.scalars(select(Resource.number).where(Resource.kind == kind, Resource.logical_id.in_(some)))
    return {document["id"]: document for document in numbered(session, numbers, *seen).values()}


def about(
    session: Session, kind: str, code: str, target: str, targets: Iterable[str], *more: ColumnElement[bool]
) -> Linked:
    """Return by target the resources that refer to it by a search parameter, the newest first.

    `more` are conditions on ReferenceValue.
    """
    pairs: list[tuple[str, int]] = []
    for some in chunks(targets):
        of = (
            ReferenceValue.kind == kind,
            ReferenceValue.code == code,
            ReferenceValue.target_id.in_(some),
            ReferenceValue.target_kind == target,
        )
        rows = session.execute(select(ReferenceValue.target_id, ReferenceValue.number).where(*of, *more))
        pairs += [(of_whom, number) for of_whom, number in rows]
    return gathered(session, pairs)


def gathered(session: Session, pairs: Iterable[tuple[str, int]], *seen: ColumnElement[bool]) -> Linked:
    """Return the resources of (key, number) pairs by key, the newest first."""
    pairs = list(dict.fromkeys(pairs))
    documents = numbered(session, {number for _, number in pairs}, *seen)
    found: dict[str, list[Document]] = defaultdict(list)
    for key, number in pairs:
        if number in documents:
            found[key].append(documents[number])
    return {key: newest_first(some) for key, some in found.items()}


def merged(found: Iterable[Linked]) -> Linked:
    """Return all of them, each resource once: a Task may name an order as its focus and as what it is based on."""
    together: dict[str, dict[str, Document]] = defaultdict(dict)
    for linked in found:
        for target, documents in linked.items():
            together[target] |= {document["id"]: document for document in documents}
    return {target: newest_first(documents.values()) for target, documents in together.items()}


def newest_first(documents: Iterable[Document]) -> list[Document]:
    """Return resources, the one that changed last first."""
    return sorted(documents, key=lambda one: (one["meta"]["lastUpdated"], one["id"]), reverse=True)


def numbered(session: Session, numbers: Iterable[int], *seen: ColumnElement[bool]) -> dict[int, Document]:
    """Return the current resources of these numbers, without those that were deleted."""
    found: dict[int, Document] = {}
    for some in chunks(numbers):
        rows = (
            select(Resource.number, Version.body)
            .join(Version, and_(Version.number == Resource.number, Version.version == Resource.version))
            .where(Resource.number.in_(some), not_(Resource.deleted), *seen)
        )
        found |= {number: read(body) for number, body in session.execute(rows) if body is not None}
    return found


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Yield the values in lists that one IN takes."""
    listed = list(values)
    for start in range(0, len(listed), _CHUNK):
        yield listed[start : start + _CHUNK]
