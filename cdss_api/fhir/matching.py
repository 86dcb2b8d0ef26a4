"""Conditions as SQL over the index: each is a set of resource numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, false, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, aliased

from cdss_api.fhir.definitions import Kind
from cdss_api.fhir.models import (
    DateValue,
    QuantityValue,
    ReferenceValue,
    Resource,
    StringValue,
    TokenValue,
)
from cdss_api.fhir.moment import Span, span
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.query import Condition, plain, split
from cdss_api.fhir.values import LONGEST, folded, link_of
from neuronova.contract.issuer import spellings

Visible = Callable[[type[Resource]], ColumnElement[bool]]  # that whoever asks may see a resource
_TABLES: Mapping[Kind, type[StringValue | TokenValue | DateValue | QuantityValue | ReferenceValue]] = {
    Kind.STRING: StringValue,
    Kind.TOKEN: TokenValue,
    Kind.URI: TokenValue,
    Kind.DATE: DateValue,
    Kind.NUMBER: QuantityValue,
    Kind.QUANTITY: QuantityValue,
    Kind.REFERENCE: ReferenceValue,
}
_Table = TypeVar("_Table")
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(?P<rest>.*)", re.DOTALL)
_HIGHEST = "\U0010ffff"  # sorts after all that a text may go on with
_APPROXIMATELY = Decimal("0.1")


@cache
def named(table: type[_Table], depth: int) -> type[_Table]:
    """Return a table under a name of its own for each depth of subqueries: the same name would mean the outer query's.

    Kept, since a new name costs more than the question that it is for.
    """
    return aliased(table)


def fits(resource: type[Resource], kind: str, condition: Condition, visible: Visible, now: int) -> ColumnElement[bool]:
    """Return that a resource of `kind` fits a condition; what is chained has to be visible too.

    `now` is in microseconds: what is "about" a date depends on how long ago that is (FHIR R4 3.1.1.4.5, ap).

    Raises:
        Refused: a value is not of the parameter's type.
    """
    if condition.reverse:
        return resource.logical_id.in_(_referred(condition, kind, visible, now))
    if condition.modifier == "missing":
        present = resource.number.in_(_rows(kind, condition, lambda _: true()))
        return not_(present) if condition.values == ("true",) else present
    if condition.chain is not None:
        return resource.number.in_(_chained(kind, condition, visible, now))
    match = _BY_MODIFIER.get(condition.modifier) or _MATCHERS[condition.parameter.kind]
    found = resource.number.in_(
        _rows(kind, condition, lambda row: or_(*(match(row, condition, value, now) for value in condition.values)))
    )
    return not_(found) if condition.modifier == "not" else found


def _rows(kind: str, condition: Condition, where: Callable[[Any], ColumnElement[bool]]) -> Select[int]:
    table, code = _TABLES[condition.parameter.kind], condition.parameter.code
    if condition.modifier == "text":
        table, code = StringValue, f"{code}:text"
    elif condition.modifier == "identifier":
        table, code = TokenValue, f"{code}:identifier"
    row = named(table, _depth(condition))
    return select(row.number).where(row.kind == kind, row.code == code, where(row))


def _chained(kind: str, condition: Condition, visible: Visible, now: int) -> Select[int]:
    targets = named(Resource, _depth(condition))
    ids = select(targets.logical_id).where(_fits_chain(targets, condition, visible, now))
    return _rows(kind, condition, lambda row: and_(row.target_kind == condition.target, row.target_id.in_(ids)))


def _referred(condition: Condition, kind: str, visible: Visible, now: int) -> Select[str]:
    source, link = (named(table, _depth(condition)) for table in (Resource, ReferenceValue))
    numbers = select(source.number).where(_fits_chain(source, condition, visible, now))
    return select(link.target_id).where(
        link.kind == condition.target,
        link.code == condition.parameter.code,
        link.target_kind == kind,
        link.number.in_(numbers),
    )


def _depth(condition: Condition) -> int:
    """Return how many conditions are chained to this one, and so how many subqueries are within its own."""
    return 0 if condition.chain is None else 1 + _depth(condition.chain)


def _fits_chain(resource: type[Resource], condition: Condition, visible: Visible, now: int) -> ColumnElement[bool]:
    assert condition.chain is not None  # noqa: S101 - for the type checker
    return and_(
        resource.kind == condition.target,
        not_(resource.deleted),
        visible(resource),
        fits(resource, condition.target, condition.chain, visible, now),
    )


def _text(row: type[StringValue], condition: Condition, value: str, _now: int) -> ColumnElement[bool]:
    sought = plain(value)
    if condition.modifier == "exact":
        return row.exact == sought[:LONGEST]
    sought = folded(sought)
    if condition.modifier == "contains":
        return row.folded.contains(sought, autoescape=True)
    return and_(row.folded >= sought, row.folded < sought + _HIGHEST)


def _token(row: type[TokenValue], condition: Condition, value: str, _now: int) -> ColumnElement[bool]:
    parts = [plain(one)[:LONGEST] for one in split(value, "|")]
    if len(parts) == 1:
        return row.value == parts[0]
    system, code = parts[0], "|".join(parts[1:])
    same = row.system == system
    if system and condition.parameter.code == "identifier":  # an issuer may stand there in either of two ways
        same = row.system.in_(sorted(one[:LONGEST] for one in spellings(system)))
    return and_(same, row.value == code) if code else same


def _uri(row: type[TokenValue], condition: Condition, value: str, _now: int) -> ColumnElement[bool]:
    sought = plain(value)[:LONGEST]
    if condition.modifier == "below":
        return and_(row.value >= sought, row.value < sought + _HIGHEST)
    return row.value == sought


def _reference(row: type[ReferenceValue], condition: Condition, value: str, _now: int) -> ColumnElement[bool]:
    sought = plain(value)
    link = link_of("", sought)
    if condition.target or "/" not in sought:
        ids = row.target_id == sought.rpartition("/")[2]
        return and_(ids, row.target_kind == condition.target) if condition.target else ids
    if link.url:
        return row.url == link.url
    return and_(row.target_id == link.id, row.target_kind == link.kind)


def _dated(row: type[DateValue], condition: Condition, value: str, now: int) -> ColumnElement[bool]:
    prefix, rest = _prefixed(value)
    try:
        sought = span(rest)
    except ValueError:
        raise Refused(400, "value", f"{condition.parameter.code} is a date like 2026-01-31.") from None
    if prefix == "ap":
        around = abs(now - sought.low) // 10
        sought = Span(sought.low - around, sought.high + around)
        return and_(row.low < sought.high, row.high > sought.low)
    return _compared(prefix, row.low, row.high, sought.low, sought.high)


def _amount(row: type[QuantityValue], condition: Condition, value: str, _now: int) -> ColumnElement[bool]:
    prefix, rest = _prefixed(value)
    number, *unit = [plain(one) for one in split(rest, "|")]
    try:
        sought = Decimal(number)
        exponent = sought.as_tuple().exponent
        if not isinstance(exponent, int) or abs(sought.adjusted()) > 300:
            raise InvalidOperation
    except InvalidOperation:
        raise Refused(400, "value", f"{condition.parameter.code} is a number, or NUMBER|SYSTEM|CODE.") from None
    # As many digits as are written are meant: 5.4 is from 5.35 to 5.45.
    half = abs(sought) * _APPROXIMATELY if prefix == "ap" else Decimal(5).scaleb(exponent - 1)
    low, high = float(sought - half), float(sought + half)
    if prefix in ("gt", "lt", "ge", "le", "sa", "eb"):
        low = high = float(sought)
    fit = _compared("eq" if prefix == "ap" else prefix, row.low, row.high, low, high)
    return and_(fit, _unit(row, unit))


def _unit(row: type[QuantityValue], unit: list[str]) -> ColumnElement[bool]:
    if not unit or not any(unit):
        return true()
    system, code = unit[0], "|".join(unit[1:])
    same = row.unit == code[:LONGEST]
    return and_(same, row.system == system[:LONGEST]) if system else same


def _compared(
    prefix: str,
    low: ColumnElement[Any] | InstrumentedAttribute[Any],
    high: ColumnElement[Any] | InstrumentedAttribute[Any],
    from_: float,
    to: float,
) -> ColumnElement[bool]:
    """Compare the span `low` to `high` of a resource with the one that is sought (FHIR R4 3.1.1.4.5)."""
    match prefix:
        case "eq":
            return and_(low >= from_, low <= to, high <= to)  # the second follows from the third, and bounds the index
        case "ne":
            return or_(low < from_, high > to)
        case "gt":
            return high > to
        case "lt":
            return low < from_
        case "ge":
            return or_(high > to, and_(low >= from_, high <= to))
        case "le":
            return or_(low < from_, and_(low >= from_, high <= to))
        case "sa":
            return low >= to
        case "eb":
            return high <= from_
        case _:
            return false()


def _prefixed(value: str) -> tuple[str, str]:
    found = _PREFIX.fullmatch(plain(value))
    assert found is not None  # noqa: S101 - it matches everything
    return found[1] or "eq", found["rest"]


_MATCHERS: Mapping[Kind, Callable[[Any, Condition, str, int], ColumnElement[bool]]] = {
    Kind.STRING: _text,
    Kind.TOKEN: _token,
    Kind.URI: _uri,
    Kind.REFERENCE: _reference,
    Kind.DATE: _dated,
    Kind.NUMBER: _amount,
    Kind.QUANTITY: _amount,
}
# These are found by rows of another kind than the parameter's own.
_BY_MODIFIER: Mapping[str, Callable[[Any, Condition, str, int], ColumnElement[bool]]] = {
    "text": _text,
    "identifier": _token,
}
