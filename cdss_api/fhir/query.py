"""A search as its query string asks for it (FHIR R4 3.1.1): parsed and checked, before any table is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cdss_api.fhir.definitions import Kind, Parameter, parameters
from cdss_api.fhir.outcome import Refused

PAGE, LARGEST_PAGE = 50, 1000
DEEPEST_CHAIN = 4
_ESCAPED = re.compile(r"\\([\\$|,])")
MOST_PARAMETERS = 200
MOST_VALUES = 500  # separated by commas; a longer list is asked in parts
_MODIFIERS: Mapping[Kind, frozenset[str]] = {
    Kind.STRING: frozenset({"exact", "contains", "missing"}),
    Kind.TOKEN: frozenset({"not", "text", "missing"}),
    Kind.DATE: frozenset({"missing"}),
    Kind.NUMBER: frozenset({"missing"}),
    Kind.QUANTITY: frozenset({"missing"}),
    Kind.REFERENCE: frozenset({"identifier", "missing"}),
    Kind.URI: frozenset({"below", "missing"}),
}
# What says how to answer, not what to find; the format is negotiated elsewhere.
_ANSWERING = frozenset({"_format", "_pretty"})


@dataclass(frozen=True, slots=True)
class Condition:
    """One parameter that has to fit, by any of its values.

    With `chain`, the resource of type `target` that it refers to has to fit that; with `reverse`, one of type `target`
    that refers here by `parameter` has.
    """

    parameter: Parameter
    modifier: str = ""
    values: tuple[str, ...] = ()
    target: str = ""
    chain: Condition | None = None
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """References of type `source` by `parameter` (`*` for all), to resources of type `target` if one is named."""

    source: str
    parameter: str
    target: str = ""
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of the order."""

    parameter: Parameter
    descending: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """All that a search asks for; `unknown` names what it asks that is not supported."""

    kind: str
    conditions: tuple[Condition, ...] = ()
    include: tuple[Include, ...] = ()
    revinclude: tuple[Include, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = PAGE
    offset: int = 0
    total: bool = True
    only_total: bool = False
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    kind: str
    conditions: list[Condition] = field(default_factory=list)
    include: list[Include] = field(default_factory=list)
    revinclude: list[Include] = field(default_factory=list)
    sort: list[Sort] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    total: bool = True
    only_total: bool = False
    unknown: list[str] = field(default_factory=list)


def parse(kind: str, pairs: Iterable[tuple[str, str]], *, strict: bool) -> Query:
    """Return the search for resources of `kind`; `pairs` are decoded.

    Raises:
        Refused: a parameter is used as it cannot be, or, if `strict`, is not supported (Prefer: handling=strict).
    """
    reading = _Reading(kind)
    for number, (name, value) in enumerate(pairs):
        if number == MOST_PARAMETERS:
            raise Refused(400, "too-long", f"A search has up to {MOST_PARAMETERS} parameters.")
        if not _read_control(reading, name, value):
            condition = _condition(kind, name, value, DEEPEST_CHAIN)
            if condition is None:
                reading.unknown.append(name)
            else:
                reading.conditions.append(condition)
    if strict and reading.unknown:
        raise Refused(400, "not-supported", f"Not supported for {kind}: {', '.join(map(_shown, reading.unknown))}.")
    return Query(
        kind=kind,
        conditions=tuple(reading.conditions),
        include=tuple(reading.include),
        revinclude=tuple(reading.revinclude),
        sort=tuple(reading.sort),
        count=min(reading.numbers.get("_count", PAGE), LARGEST_PAGE),
        offset=reading.numbers.get("_offset", 0),
        total=reading.total,
        only_total=reading.only_total or reading.numbers.get("_count") == 0,
        unknown=tuple(map(_shown, reading.unknown)),
    )


def _read_control(reading: _Reading, name: str, value: str) -> bool:
    """Take in what says how to search and answer; tell whether it was such a parameter."""
    plain, _, modifier = name.partition(":")
    if name in _ANSWERING:
        return True
    if name in ("_count", "_offset"):
        reading.numbers[name] = natural(name, value)
    elif name == "_sort":
        reading.sort += _sorts(reading, value)
    elif plain in ("_include", "_revinclude") and modifier in ("", "iterate", "recurse"):
        (reading.include if plain == "_include" else reading.revinclude).append(_include(name, value, bool(modifier)))
    elif name == "_total":
        reading.total = value != "none"
    elif name == "_summary" and value == "count":
        reading.only_total = True
    else:
        return False
    return True


def looked_into(query: Query) -> frozenset[str]:
    """Return the other types whose content decides what is found: those of chains and of `_has`."""
    found = set()
    for condition in query.conditions:
        step = condition
        while step.chain is not None:
            found.add(step.target)
            step = step.chain
    return frozenset(found)


def natural(name: str, value: str) -> int:
    """Return a parameter that is a number from 0 on; raises Refused for what is none."""
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise Refused(400, "value", f"{name} is a number from 0 on.")
    return int(value)


def _sorts(reading: _Reading, value: str) -> list[Sort]:
    known = parameters()[reading.kind]
    sorts = []
    for one in value.split(","):
        parameter = known.get(one.removeprefix("-"))
        if parameter is None:
            reading.unknown.append(f"_sort={one}")
        else:
            sorts.append(Sort(parameter, one.startswith("-")))
    return sorts


def _include(name: str, value: str, iterate: bool) -> Include:
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    known = parameters().get(source)
    if value == "*":
        return Include("*", "*", "", iterate)
    if known is None or (code != "*" and (code not in known or known[code].kind is not Kind.REFERENCE)):
        raise Refused(400, "value", f"{name} is TYPE:PARAMETER or TYPE:PARAMETER:TARGET, of a reference.")
    return Include(source, code, target, iterate)


def _condition(kind: str, name: str, value: str, deepest: int) -> Condition | None:
    if name.startswith("_has:"):
        return _reverse(kind, name, value, deepest)
    first, dot, rest = name.partition(".")
    code, _, modifier = first.partition(":")
    parameter = parameters()[kind].get(code)
    if parameter is None:
        return None
    if dot:
        return _chained(parameter, modifier, rest, value, deepest)
    if parameter.kind is Kind.REFERENCE and modifier in parameters():
        return Condition(parameter, "", _values(name, value), target=modifier)
    if modifier and modifier not in _MODIFIERS[parameter.kind]:
        raise Refused(400, "not-supported", f"{_shown(name)}: this modifier is not supported here.")
    values = _values(name, value)
    if modifier == "missing" and values not in (("true",), ("false",)):
        raise Refused(400, "value", f"{_shown(name)} is true or false.")
    return Condition(parameter, modifier, values)


def _chained(parameter: Parameter, modifier: str, rest: str, value: str, deepest: int) -> Condition | None:
    if parameter.kind is not Kind.REFERENCE or deepest == 0:
        raise Refused(400, "not-supported", f"{parameter.code} cannot be chained here.")
    targets = [modifier] if modifier else [one for one in parameter.targets if one in parameters()]
    ways = [(target, _condition(target, rest, value, deepest - 1)) for target in targets if target in parameters()]
    known = [(target, condition) for target, condition in ways if condition is not None]
    if not known:
        return None
    if len(known) > 1:
        several = ", ".join(target for target, _ in known)
        raise Refused(400, "value", f"{parameter.code} may refer to {several}: write {parameter.code}:TYPE.{rest}")
    target, condition = known[0]
    return Condition(parameter, target=target, chain=condition)


def _reverse(kind: str, name: str, value: str, deepest: int) -> Condition | None:
    parts = name.split(":", 3)
    if len(parts) != 4 or deepest == 0:
        raise Refused(400, "value", "_has is _has:TYPE:REFERENCE:PARAMETER.")
    _, source, code, rest = parts
    parameter = parameters().get(source, {}).get(code)
    if parameter is None or (parameter.targets and kind not in parameter.targets):
        return None
    condition = _condition(source, rest, value, deepest - 1)
    return None if condition is None else Condition(parameter, target=source, chain=condition, reverse=True)


def _values(name: str, value: str) -> tuple[str, ...]:
    values = tuple(split(value, ","))
    if len(values) > MOST_VALUES:
        raise Refused(400, "too-long", f"{_shown(name)} has more than {MOST_VALUES} values.")
    if not any(values):
        raise Refused(400, "value", f"{_shown(name)} has no value.")
    return tuple(one for one in values if one)


def split(text: str, separator: str) -> Sequence[str]:
    """Return the parts of a value; a backslash takes the meaning from what follows it (FHIR R4 3.1.1.4.4).

    Within the parts other escapes than that of the separator remain, for they are split further.
    """
    parts, part, escaped = [], "", False
    for letter in text:
        if escaped:
            part += letter if letter == separator else f"\\{letter}"
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == separator:
            parts.append(part)
            part = ""
        else:
            part += letter
    return [*parts, part + ("\\" if escaped else "")]


def plain(text: str) -> str:
    """Return a part without its escapes."""
    return _ESCAPED.sub(r"\1", text)


def _shown(name: str) -> str:
    return name[:100]
