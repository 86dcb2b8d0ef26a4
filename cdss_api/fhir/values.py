"""What a resource is found by: the values of its search parameters, as rows of an index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from cdss_api.fhir.definitions import PRESENT, Kind, Parameter, Place, parameters
from cdss_api.fhir.moment import BEGINNING, END, Span, span
from neuronova.contract.text import folded as text_folded

LONGEST = 255  # characters of a text that are searched: an index entry of PostgreSQL has 2,704 bytes
_REFERENCE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]{1,60})/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?$")


class Text(NamedTuple):
    """A string: folded for what does not care about case and accents, and as it stands."""

    code: str
    folded: str
    exact: str


class Token(NamedTuple):
    """A code of a system; a system that is not given is empty."""

    code: str
    system: str
    value: str


class Dated(NamedTuple):
    """A span of time in microseconds."""

    code: str
    low: int
    high: int


class Amount(NamedTuple):
    """A quantity; `unit` is its code, or else what it says of its unit."""

    code: str
    low: float
    high: float
    system: str
    unit: str


class Link(NamedTuple):
    """A reference to a resource of ours by `kind` and `id`, or to another place by `url`."""

    code: str
    kind: str
    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Found:
    """All rows of one resource."""

    texts: set[Text] = field(default_factory=set)
    tokens: set[Token] = field(default_factory=set)
    dates: set[Dated] = field(default_factory=set)
    amounts: set[Amount] = field(default_factory=set)
    links: set[Link] = field(default_factory=set)


def index(resource: Mapping[str, Any]) -> Found:
    """Return the rows of a resource; what does not fit its definition is not found by it."""
    found = Found()
    for parameter in parameters()[resource["resourceType"]].values():
        for place in parameter.places:
            for value in values_at(resource, place):
                _ADDERS[parameter.kind](found, parameter, place, value)
    return found


def values_at(resource: Mapping[str, Any], place: Place) -> Iterator[Any]:
    """Yield the values of one place; lists are gone through."""
    *way, last = place.path
    owners: list[Any] = [resource]
    for member in way:
        owners = [below for owner in owners for below in _members(owner, member)]
    for owner in owners:
        for value in _members(owner, last):
            if place.where is None or (isinstance(value, dict) and value.get(place.where[0]) == place.where[1]):
                yield value


def _members(owner: Any, member: str) -> list[Any]:
    value = owner.get(member) if isinstance(owner, dict) else None
    if value is None:
        return []
    return [one for one in value if one is not None] if isinstance(value, list) else [value]


def folded(text: str) -> str:
    """Return a text as it is searched."""
    return text_folded(text[:LONGEST])


def link_of(code: str, reference: str) -> Link:
    """Return the row of a literal reference."""
    relative = _REFERENCE.fullmatch(reference)
    if relative is None:
        return Link(code, "", "", reference[:LONGEST])
    return Link(code, relative[1], relative[2], reference[:LONGEST] if "://" in reference else "")


def _add_text(found: Found, parameter: Parameter, place: Place, value: Any) -> None:
    for text in _texts(place.type, value):
        found.texts.add(Text(parameter.code, folded(text), text[:LONGEST]))


def _texts(kind: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in _SPOKEN.get(kind, ()):
            yield from (one for one in _members(value, member) if isinstance(one, str))


_SPOKEN: Mapping[str, tuple[str, ...]] = {
    "HumanName": ("text", "family", "given", "prefix", "suffix"),
    "Address": ("text", "line", "city", "district", "state", "postalCode", "country"),
    "CodeableConcept": ("text",),
}


def _add_token(found: Found, parameter: Parameter, place: Place, value: Any) -> None:
    code = parameter.code
    for system, token, words in _tokens(place.type, value):
        if token:
            found.tokens.add(Token(code, system[:LONGEST], token[:LONGEST]))
        if words:
            found.texts.add(Text(f"{code}:text", folded(words), words[:LONGEST]))


def _tokens(kind: str, value: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, bool) or kind == PRESENT:
        yield "", "true" if value else "false", ""
    elif isinstance(value, str):
        yield "", value, ""
    elif not isinstance(value, dict):
        return
    elif kind == "CodeableConcept":
        yield "", "", _string(value, "text")
        for coding in _members(value, "coding"):
            yield from _tokens("Coding", coding)
    elif kind == "Coding":
        yield _string(value, "system"), _string(value, "code"), _string(value, "display")
    elif kind in ("Identifier", "ContactPoint"):
        yield _string(value, "system"), _string(value, "value"), ""


def _string(value: Mapping[str, Any], member: str) -> str:
    found = value.get(member)
    return found if isinstance(found, str) else ""


def _add_date(found: Found, parameter: Parameter, _place: Place, value: Any) -> None:
    try:
        found.dates.add(Dated(parameter.code, *_span_of(value)))
    except (TypeError, ValueError):  # it is no date
        return


def _span_of(value: Any) -> Span:
    if isinstance(value, str):
        return span(value)
    if not isinstance(value, dict):
        raise ValueError("no date")
    if "event" in value or "repeat" in value:
        spans = [span(one) for one in _members(value, "event")]
        spans += [_span_of(one) for one in _members(value.get("repeat"), "boundsPeriod")]
        return Span(min(one.low for one in spans), max(one.high for one in spans))
    if "start" not in value and "end" not in value:
        raise ValueError("no period")
    low = span(value["start"]).low if "start" in value else BEGINNING
    return Span(low, span(value["end"]).high if "end" in value else END)


def _add_amount(found: Found, parameter: Parameter, _place: Place, value: Any) -> None:
    if not isinstance(value, dict):
        return
    ends = (value.get("low"), value.get("high")) if "low" in value or "high" in value else (value, value)
    low, high = (_number(end) for end in ends)
    if low is None and high is None:
        return
    unit = next(end for end in ends if isinstance(end, dict))
    found.amounts.add(
        Amount(
            parameter.code,
            float("-inf") if low is None else low,
            float("inf") if high is None else high,
            _string(unit, "system")[:LONGEST],
            (_string(unit, "code") or _string(unit, "unit"))[:LONGEST],
        )
    )


def _number(quantity: Any) -> float | None:
    value = quantity.get("value") if isinstance(quantity, dict) else None
    return float(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _add_link(found: Found, parameter: Parameter, place: Place, value: Any) -> None:
    if isinstance(value, str):  # canonical, uri
        found.links.add(link_of(parameter.code, value))
        return
    if not isinstance(value, dict):
        return
    link = link_of(parameter.code, _string(value, "reference"))
    if place.only is not None and place.only not in (link.kind, _string(value, "type")):
        return
    if link.kind or link.url:
        found.links.add(link)
    identifier = value.get("identifier")
    if isinstance(identifier, dict) and _string(identifier, "value"):
        system, token = _string(identifier, "system"), _string(identifier, "value")
        found.tokens.add(Token(f"{parameter.code}:identifier", system[:LONGEST], token[:LONGEST]))


def _add_uri(found: Found, parameter: Parameter, _place: Place, value: Any) -> None:
    if isinstance(value, str):
        found.tokens.add(Token(parameter.code, "", value[:LONGEST]))


_ADDERS: Mapping[Kind, Callable[[Found, Parameter, Place, Any], None]] = {
    Kind.STRING: _add_text,
    Kind.TOKEN: _add_token,
    Kind.DATE: _add_date,
    Kind.NUMBER: _add_amount,
    Kind.QUANTITY: _add_amount,
    Kind.REFERENCE: _add_link,
    Kind.URI: _add_uri,
}
