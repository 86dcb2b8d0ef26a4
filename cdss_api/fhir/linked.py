"""Many resources and what refers to them, read from the store's tables in few queries, whatever their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, bindparam, not_, select
from sqlalchemy.orm import Session

from cdss_api.fhir.compartment import Compartments, seen_later
from cdss_api.fhir.document import Document, read_stored
from cdss_api.fhir.models import ReferenceValue, Resource, Version
from neuronova.contract.roles import Reach

Value = TypeVar("Value")
Linked = Mapping[str, Sequence[Document]]

_Bodies = Select[int, str | None]

_REFERRING = select(ReferenceValue.target_id, ReferenceValue.number).where(
    ReferenceValue.kind == bindparam("kind"),
    ReferenceValue.code == bindparam("code"),
    ReferenceValue.target_id.in_(bindparam("targets", expanding=True)),
    ReferenceValue.target_kind == bindparam("target"),
)
_CHUNK = 500  # values in one IN: below every database's limit


def by_id(session: Session, kind: str, ids: Iterable[str], seen: Compartments | None = None) -> dict[str, Document]:
    """Return by id the resources of a type that there are, and that whoever asks may see."""
    found: dict[str, Document] = {}
    for some in chunks(ids):
        asked = {"kind": kind, "ids": some, **_placed(seen)}
        for _, document in _read(session, _of_ids(_reach(seen)), asked):
            found[document["id"]] = document
    return found


def about(
    session: Session,
    kind: str,
    code: str,
    target: str,
    targets: Iterable[str],
    *more: ColumnElement[bool],
    seen: Compartments | None = None,
) -> Linked:
    """Return by target the resources that refer to it by a search parameter, the newest first.

    `more` are conditions on ReferenceValue.
    """
    pairs: list[tuple[str, int]] = []
    for some in chunks(targets):
        asked = {"kind": kind, "code": code, "target": target, "targets": some}
        statement = _REFERRING.where(*more) if more else _REFERRING
        pairs += [(of_whom, number) for of_whom, number in session.execute(statement, asked)]
    return gathered(session, pairs, seen)


def gathered(session: Session, pairs: Iterable[tuple[str, int]], seen: Compartments | None = None) -> Linked:
    """Return the resources of (key, number) pairs by key, the newest first."""
    pairs = list(dict.fromkeys(pairs))
    documents = numbered(session, {number for _, number in pairs}, seen)
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


def numbered(session: Session, numbers: Iterable[int], seen: Compartments | None = None) -> dict[int, Document]:
    """Return the current resources of these numbers, without those that were deleted or may not be seen."""
    found: dict[int, Document] = {}
    for some in chunks(numbers):
        found.update(_read(session, _of_numbers(_reach(seen)), {"numbers": some, **_placed(seen)}))
    return found


def _read(session: Session, statement: _Bodies, asked: Mapping[str, Any]) -> Iterator[tuple[int, Document]]:
    for number, body in session.connection().execute(statement, asked):
        if body is not None:
            yield number, read_stored(body)


def _reach(seen: Compartments | None) -> Reach:
    return Reach.ALL if seen is None else seen.reach


def _placed(seen: Compartments | None) -> Mapping[str, Any]:
    return {} if seen is None else seen.placed


@cache
def _of_numbers(reach: Reach) -> _Bodies:
    return _current(reach).where(Resource.number.in_(bindparam("numbers", expanding=True)))


@cache
def _of_ids(reach: Reach) -> _Bodies:
    ids = Resource.logical_id.in_(bindparam("ids", expanding=True))
    return _current(reach).where(Resource.kind == bindparam("kind"), ids)


def _current(reach: Reach) -> _Bodies:
    """Return the statement for current resources; those here are built once, which takes longer than to ask them."""
    version = and_(Version.number == Resource.number, Version.version == Resource.version)
    rows = select(Resource.number, Version.body).join(Version, version)
    return rows.where(not_(Resource.deleted), seen_later(reach))


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Yield the values in lists that one IN takes."""
    listed = list(values)
    for start in range(0, len(listed), _CHUNK):
        yield listed[start : start + _CHUNK]
