"""Whether a resource has the members of its type, each as often as it may stand there and of its form.

HL7's own definitions say so first. The models of `fhir.resources` are a second opinion on what has passed, and the only
one on a contained resource of a type that is not kept. They are R4B's, which are R4's for every type that is kept.
Nothing of theirs is stored, for they lose the digits of decimals; and they are not asked where something is wrong
already: they stop at the first layer that fails, and fail themselves at some JSON of the wrong kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cdss_api.fhir.definitions.elements import Element, types
from cdss_api.fhir.node import Node, below
from cdss_api.fhir.outcome import Issue
from cdss_api.fhir.primitive import PRIMITIVES, fault

if TYPE_CHECKING:
    from pydantic import BaseModel

_RELATIVE = re.compile(r"([A-Z][A-Za-z]{1,63})/[A-Za-z0-9.-]{1,64}(/_history/[A-Za-z0-9.-]{1,64})?")
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)
_FRAGMENT = re.compile(r"#[A-Za-z0-9.-]{0,64}")
_UNNAMED = "resourceType"

Members = Mapping[str, Element]


def of_nodes(listed: Sequence[Node]) -> Iterator[Issue]:
    """Yield what is wrong with the members of each object, and with their values."""
    for node in listed:
        yield from _value(node)
        known = types().get(node.element.type)
        if known is not None and isinstance(node.value, dict):
            yield from _often(node, known)
            yield from _choices(node, known)
            yield from _missing(node, known)


def of_model(document: Mapping[str, Any], at: str) -> Iterator[Issue]:
    """Yield what the model of a resource's type says, and of each contained one's."""
    model = _model(str(document.get("resourceType")))
    if model is None:
        yield Issue("error", "structure", "Name a resource type of FHIR R4.", f"{at}.resourceType")
        return
    # Contained resources go one by one: the library fails at a type that it does not know.
    yield from _opinion(model, {name: value for name, value in document.items() if name != "contained"}, at)
    contained = document.get("contained", [])
    if not isinstance(contained, list):
        yield Issue("error", "structure", "Send an array of resources.", f"{at}.contained")
        return
    for number, one in enumerate(contained):
        place = f"{at}.contained[{number}]"
        if isinstance(one, dict):
            yield from of_model(one, place)
        else:
            yield Issue("error", "structure", "Send a resource: a JSON object.", place)


def _opinion(model: type[BaseModel], document: Mapping[str, Any], at: str) -> Iterator[Issue]:
    from pydantic import ValidationError

    try:
        model.model_validate(document)
    except ValidationError as odd:
        found = odd.errors(include_url=False, include_context=False, include_input=False)
        yield from (_told(one["type"], one["loc"], at) for one in found)
    except Exception:
        # It does so for lists where it looks for text, and what else is known to its next release only.
        yield Issue("error", "structure", "Send what the definition of this resource asks for.", at)


def _model(kind: str) -> type[BaseModel] | None:
    # Imported where first needed: it takes a quarter of a second and 25 MB.
    from fhir.resources.R4B import get_fhir_model_class
    from fhir.resources.R4B.resource import Resource

    try:
        found: type[BaseModel] = get_fhir_model_class(kind)
    except (KeyError, ValueError):
        return None
    return found if issubclass(found, Resource) else None


def _told(kind: str, location: Sequence[int | str], at: str) -> Issue:
    place = at
    if location[-1:] == ("root",) and kind != "extra_forbidden":
        location = location[:-1]  # the library's word for an object as a whole
    for part in location:
        place = f"{place}[{part}]" if isinstance(part, int) else below(place, part)
    if kind.endswith("missing"):
        return _required(place)
    if kind == "extra_forbidden":
        return _unknown(place)
    return Issue("error", "structure", "Send what the definition of this member asks for.", place)


def _value(node: Node) -> Iterator[Issue]:
    kind = node.element.type
    if node.name == _UNNAMED:
        return
    if kind in PRIMITIVES:
        told = fault(kind, node.value)
        if told is not None:
            yield Issue("error", "value", told, node.at)
    elif not kind and node.name:
        yield _unknown(node.at)
    elif kind and not isinstance(node.value, dict):
        yield Issue("error", "structure", "Send a JSON object.", node.at)
    elif kind == "Reference":
        yield from _reference(node)


def _unknown(at: str) -> Issue:
    return Issue(
        "error", "structure", "Leave this member out, or write it as FHIR R4 does: it is none of this type.", at
    )


def _required(at: str) -> Issue:
    return Issue("error", "required", "Add this member: it is required.", at)


def _often(node: Node, known: Members) -> Iterator[Issue]:
    for name, value in node.value.items():
        element = known.get(name.removeprefix("_"))
        if element is None or element.many == isinstance(value, list):
            continue
        told = "Send an array: this member may stand more than once."
        if not element.many:
            told = "Send no array: this member stands once."
        yield Issue("error", "structure", told, below(node.at, name))


def _missing(node: Node, known: Members) -> Iterator[Issue]:
    there = {name.removeprefix("_") for name in node.value}
    there |= {known[name].choice for name in there if name in known}
    wanted = {element.choice or name for name, element in known.items() if element.required}
    for name in sorted(wanted - there):
        yield _required(f"{node.at}.{name}")


def _choices(node: Node, known: Members) -> Iterator[Issue]:
    chosen: dict[str, set[str]] = {}
    for name in node.value:
        bare = name.removeprefix("_")
        if bare in known and known[bare].choice:
            chosen.setdefault(known[bare].choice, set()).add(bare)
    for choice, names in chosen.items():
        if len(names) > 1:
            told = f"Keep one of {', '.join(sorted(names))}."
            yield Issue("error", "structure", told, f"{node.at}.{choice}")


def _reference(node: Node) -> Iterator[Issue]:
    text = node.value.get("reference")
    if not isinstance(text, str) or not text:
        return
    at = f"{node.at}.reference"
    relative = _RELATIVE.fullmatch(text)
    if relative is None:
        if not _ABSOLUTE.fullmatch(text) and not _FRAGMENT.fullmatch(text):
            yield Issue("error", "value", "Refer as TYPE/ID, by an absolute address, or as #ID to a contained one.", at)
    elif node.element.targets and relative[1] not in node.element.targets:
        yield Issue("error", "value", f"Refer to one of {', '.join(sorted(node.element.targets))}.", at)
