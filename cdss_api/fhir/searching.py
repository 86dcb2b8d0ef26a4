"""A search carried out: the page of resources that fit, how many there are, and what they bring with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, case, func, not_, null, or_, select
from sqlalchemy.orm import aliased

from cdss_api.fhir.compartment import DIRECTORY, seen_later
from cdss_api.fhir.definitions import Kind, Parameter
from cdss_api.fhir.matching import fits
from cdss_api.fhir.models import (
    Compartment,
    DateValue,
    QuantityValue,
    ReferenceValue,
    Resource,
    StringValue,
    TokenValue,
)
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.query import Include, Query
from cdss_api.fhir.store import Store, Stored
from neuronova.contract.roles import Reach

MOST_INCLUDED = 5_000
DEEPEST_INCLUDE = 4
_ALL = func.count().over()  # of the rows that fit, beside each of a page: the condition is worked out once
_SORTED_BY: Mapping[Kind, tuple[Any, str, str]] = {
    Kind.STRING: (StringValue, "folded", "folded"),
    Kind.TOKEN: (TokenValue, "value", "value"),
    Kind.URI: (TokenValue, "value", "value"),
    Kind.DATE: (DateValue, "low", "high"),
    Kind.NUMBER: (QuantityValue, "low", "high"),
    Kind.QUANTITY: (QuantityValue, "low", "high"),
    Kind.REFERENCE: (ReferenceValue, "target_id", "target_id"),
}


@dataclass(frozen=True, slots=True)
class Result:
    """A page; `total` is None where it was not asked for."""

    matches: Sequence[Stored]
    included: Sequence[Stored]
    total: int | None
    more: bool


def search(store: Store, query: Query) -> Result:
    """Carry out a search over what the store's asker may see.

    Raises:
        Refused: a value is not of its parameter's type, or too much would be included.
    """
    where = _where(store, query)
    if query.only_total:
        return Result((), (), _total(store, where) if query.total else None, more=False)
    statement = select(Resource.number, _ALL if query.total else null()).where(where).order_by(*_order(query))
    limited = statement.offset(query.offset).limit(query.count + 1)
    rows = store.session.connection().execute(limited, store.compartments.placed).all()
    page = [number for number, _ in rows[: query.count]]
    total: int | None = rows[0][1] if rows else 0
    if query.total and not rows and query.offset:  # a page behind the last tells nothing
        total = _total(store, where)
    included = _included(store, page, query)
    return Result(
        store.bodies(page), store.bodies(included), total if query.total else None, more=len(rows) > query.count
    )


def _total(store: Store, where: ColumnElement[bool]) -> int:
    counted = select(func.count()).select_from(Resource).where(where)
    return store.session.scalar(counted, store.compartments.placed) or 0


def matching(store: Store, query: Query, most: int) -> list[Stored]:
    """Return up to `most` resources that fit, as conditional operations need them (FHIR R4 3.1.0.4.2)."""
    rows = select(Resource.number).where(_where(store, query)).order_by(Resource.number).limit(most)
    return store.bodies(list(store.session.scalars(rows, store.compartments.placed)))


def identified(store: Store, kind: str, system: str, value: str, most: int) -> list[Stored]:
    """Return up to `most` resources of a type that an identifier names, the oldest first; the platform's own ask."""
    asked = {"kind": kind, "system": system, "value": value, "most": most, **store.compartments.placed}
    return store.bodies(list(store.session.scalars(_identified(store.compartments.reach), asked)))


@cache
def _identified(reach: Reach) -> Select[int]:
    names = (TokenValue.kind == bindparam("kind"), TokenValue.code == "identifier")
    same = (TokenValue.system == bindparam("system"), TokenValue.value == bindparam("value"))
    named = Resource.number.in_(select(TokenValue.number).where(*names, *same))
    where = (Resource.kind == bindparam("kind"), not_(Resource.deleted), named, seen_later(reach))
    return select(Resource.number).where(*where).order_by(Resource.number).limit(bindparam("most", type_=Integer))


def everything(store: Store, patient: str, kinds: Sequence[str], since: int | None, count: int, offset: int) -> Result:
    """Return a page of a patient's record, of these types, and whom it names of the directory (Patient/$everything)."""
    of_patient = select(Compartment.number).where(Compartment.patient == patient)
    where = [Resource.number.in_(of_patient), not_(Resource.deleted), store.compartments.visible(Resource)]
    where.append(Resource.kind.in_(kinds))
    if since is not None:
        where.append(Resource.updated >= since)
    total = store.session.scalar(select(func.count()).select_from(Resource).where(*where))
    itself_first = case((Resource.kind == "Patient", 0), else_=1)
    rows = select(Resource.number).where(*where).order_by(itself_first, Resource.number)
    numbers = list(store.session.scalars(rows.offset(offset).limit(count + 1)))
    page = numbers[:count]
    named = [Include("*", "*", kind) for kind in sorted(DIRECTORY) if kind in kinds]
    brought = set().union(*(_targets(store, set(page), one) for one in named)) - set(page) if page else set()
    return Result(store.bodies(page), store.bodies(sorted(brought)), total, more=len(numbers) > count)


def _where(store: Store, query: Query) -> ColumnElement[bool]:
    """Return the condition that a search puts, to be executed with what stands in the asker's placeholders."""
    visible = partial(seen_later, store.compartments.reach)
    conditions = (fits(Resource, query.kind, one, visible, store.now) for one in query.conditions)
    return and_(Resource.kind == query.kind, not_(Resource.deleted), visible(Resource), *conditions)


def _order(query: Query) -> Iterable[ColumnElement[Any]]:
    for sort in query.sort:
        yield _key(query.kind, sort.parameter, descending=sort.descending)
    if not query.sort:
        yield Resource.updated.desc()
    yield Resource.number.desc()


@cache
def _key(kind: str, parameter: Parameter, *, descending: bool) -> ColumnElement[Any]:
    """Return what a resource is sorted by: its lowest value going up, its highest going down, none comes last."""
    if parameter.code == "_lastUpdated":
        return Resource.updated.desc() if descending else Resource.updated.asc()
    table, lowest, highest = _SORTED_BY[parameter.kind]
    row = aliased(table)
    value = func.max(getattr(row, highest)) if descending else func.min(getattr(row, lowest))
    of_resource = (row.number == Resource.number, row.kind == kind, row.code == parameter.code)
    key = select(value).where(*of_resource).correlate(Resource).scalar_subquery()
    return (key.desc() if descending else key.asc()).nulls_last()


def _included(store: Store, page: Sequence[int], query: Query) -> list[int]:
    """Return what a page brings with it, each resource once; what is asked for with `:iterate` brings more."""
    known, newest = set(page), set(page)
    brought: list[int] = []
    for depth in range(DEEPEST_INCLUDE):
        steps = [one for one in query.include if depth == 0 or one.iterate]
        back = [one for one in query.revinclude if depth == 0 or one.iterate]
        found: set[int] = set()
        for include in steps:
            found |= _targets(store, newest, include)
        for include in back:
            found |= _sources(store, newest, include)
        newest = found - known
        if not newest:
            break
        known |= newest
        brought += sorted(newest)
        if len(brought) > MOST_INCLUDED:
            raise Refused(400, "too-costly", f"More than {MOST_INCLUDED} resources would be included; ask for fewer.")
    return brought


def _targets(store: Store, numbers: set[int], include: Include) -> set[int]:
    conditions = [ReferenceValue.number.in_(numbers), *_of(include)]
    if include.target:
        conditions.append(ReferenceValue.target_kind == include.target)
    same = and_(Resource.kind == ReferenceValue.target_kind, Resource.logical_id == ReferenceValue.target_id)
    rows = select(Resource.number).join(ReferenceValue, same).where(*conditions, not_(Resource.deleted))
    return set(store.session.scalars(rows.where(store.compartments.visible(Resource)).limit(MOST_INCLUDED + 1)))


def _sources(store: Store, numbers: set[int], include: Include) -> set[int]:
    target = aliased(Resource)
    same = and_(target.kind == ReferenceValue.target_kind, target.logical_id == ReferenceValue.target_id)
    rows = (
        select(Resource.number)
        .join(ReferenceValue, ReferenceValue.number == Resource.number)
        .join(target, same)
        .where(target.number.in_(numbers), *_of(include), not_(Resource.deleted))
    )
    return set(store.session.scalars(rows.where(store.compartments.visible(Resource)).limit(MOST_INCLUDED + 1)))


def _of(include: Include) -> list[ColumnElement[bool]]:
    conditions = []
    if include.source != "*":
        conditions.append(ReferenceValue.kind == include.source)
    if include.parameter != "*":
        conditions.append(ReferenceValue.code == include.parameter)
    return conditions or [or_(ReferenceValue.code != "")]
