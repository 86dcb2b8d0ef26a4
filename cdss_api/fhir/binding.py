"""Codes that HL7 requires (FHIR R4 4.1.5): of a bound element, one of its value set is the only one that is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cdss_api.fhir.definitions.elements import Codes
from cdss_api.fhir.node import Node
from cdss_api.fhir.outcome import Issue

_SHOWN = 12  # codes that a message lists


def of_nodes(listed: Sequence[Node]) -> Iterator[Issue]:
    """Yield the codes that are not of the value set that their element is bound to."""
    for node in listed:
        codes = node.element.codes
        if codes is not None and not _fits(node, codes):
            yield Issue("error", "code-invalid", f"Send {_listed(codes)}.", node.at)


def _fits(node: Node, codes: Codes) -> bool:
    value = node.value
    if node.element.type == "code":
        return not isinstance(value, str) or any(value in one for one in codes.values())
    if not isinstance(value, dict):
        return True  # told as a fault of structure
    if node.element.type == "Coding":
        return _is_of(value, codes)
    codings = value.get("coding")
    # Text or an extension alone says that no code fits, which a required binding does not allow to a concept with one.
    return not isinstance(codings, list) or any(_is_of(one, codes) for one in codings if isinstance(one, dict))


def _is_of(coding: Mapping[str, Any], codes: Codes) -> bool:
    system, code = coding.get("system"), coding.get("code")
    if not isinstance(system, str) or not isinstance(code, str):
        return "code" not in coding and "extension" in coding
    return code in codes.get(system, ())


def _listed(codes: Codes) -> str:
    every = sorted({code for one in codes.values() for code in one})
    if len(every) > _SHOWN:
        return "a code of the value set that FHIR R4 binds this element to"
    return f"one of {', '.join(every)}" + ("" if len(codes) > 1 else f" of {next(iter(codes))}")
