"""The file of rules: what may stand where, and the line of whatever else does."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import time
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import yaml

from neuronova.contract.ai.attributes import Attribute, Kind, UnknownAttribute, attribute_of
from neuronova.contract.ai.conditions import Comparison, Condition, Numbers, Quantifier, Range, Texts
from neuronova.contract.ai.nodes import (
    MOST_CHARACTERS,
    Odd,
    Problem,
    Reader,
    compose,
    fields,
    items,
    keys,
    line_of,
    odd,
    one_or_more,
    scalar,
    shown,
)
from neuronova.contract.ai.rules import Hours, Needs, Rule, VolumeNeeds, WhenItCannot
from neuronova.contract.priority import Priority

Rules = TypeVar("Rules")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_TESTS = ("equals", "one_of", "contains", "matches", "range")


def read_rules(text: str) -> tuple[Rule, ...]:
    """Read a file of rules.

    Raises:
        Odd: something in it is wrong; every problem is named with its line.
    """
    return named_rules(text, _rule)


def read_file(path: Path, read: Callable[[str], Rules]) -> tuple[Rules, str]:
    """Read a file of rules by `read`; return them and the text that they were read from.

    Raises:
        ValueError: something in it is wrong; it names the file, and every problem with its line.
        OSError: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_CHARACTERS + 1)
        return read(text), text
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error.reason})") from None
    except Odd as problems:
        raise ValueError(f"{path}: {problems}") from None


def named_rules(text: str, read: Reader) -> tuple[Any, ...]:
    """Read a file whose one key is `rules`: a list of what `read` reads, each with a `name` of its own.

    Raises:
        Odd: something in it is wrong; every problem is named with its line.
    """
    root = compose(text)
    rules: tuple[Any, ...] = fields(root, {"rules": partial(items, read=read)}, {})["rules"]
    nodes = keys(root)["rules"].value
    seen: dict[str, int] = {}
    problems = []
    for rule, node in zip(rules, nodes, strict=True):
        if rule.name in seen:
            problems.append(Problem(line_of(node), f"the rule {rule.name} is there already, in line {seen[rule.name]}"))
        seen.setdefault(rule.name, line_of(node))
    if problems:
        raise Odd(*problems)
    return rules


def _rule(node: yaml.Node) -> Rule:
    required: dict[str, Reader] = {
        "name": rule_name,
        "model": rule_name,
        "conditions": partial(items, read=read_condition),
    }
    optional: dict[str, Reader] = {
        "priority": partial(one_word, words=Priority),
        "when_it_cannot": partial(one_word, words=WhenItCannot),
        "needs": _needs,
        "hours": _hours,
    }
    defaults = {"priority": Priority.ROUTINE, "when_it_cannot": WhenItCannot.SKIP}
    return Rule(**(defaults | fields(node, required, optional)))


def read_condition(node: yaml.Node) -> Condition:
    """Read a condition on the attributes of a series."""
    entries = keys(node)
    quantifiers = [name for name in Quantifier if name in entries]
    tests = [name for name in _TESTS if name in entries]
    if len(quantifiers) != 1:
        raise _wrong(node, f"a condition names its attribute under one of {', '.join(Quantifier)}")
    if len(tests) != 1:
        raise _wrong(node, f"a condition has one of {', '.join(_TESTS)}")
    quantifier, test = quantifiers[0], tests[0]
    unknown = [name for name in entries if name not in (quantifier, test)]
    if unknown:
        raise _wrong(entries[unknown[0]], f"{shown(unknown[0])} is no part of a condition")
    attributes = one_or_more(entries[quantifier], _attribute)
    kinds = {attribute.kind for attribute in attributes}
    if len(kinds) > 1:
        raise _wrong(entries[quantifier], "text and numbers are not compared in one condition")
    return Condition(quantifier, attributes, _test(test, entries[test], kinds.pop()))


def _attribute(node: yaml.Node) -> Attribute:
    try:
        return attribute_of(scalar(node))
    except UnknownAttribute as error:
        raise _wrong(node, shown(str(error), 120)) from None


def _test(name: str, node: yaml.Node, kind: Kind) -> Texts | Numbers | Range:
    if name == "range":
        if kind is Kind.TEXT:
            raise _wrong(node, "range is for numbers and ages, not for text")
        return _range(node)
    if kind is not Kind.TEXT:
        if name not in ("equals", "one_of"):
            raise _wrong(node, f"{name} is for text, not for numbers and ages")
        return Numbers((_number(node),) if name == "equals" else items(node, _number))
    if name == "equals":
        texts: tuple[str, ...] = (scalar(node),)
    else:
        texts = items(node, scalar) if name == "one_of" else one_or_more(node, scalar)
    comparison = Comparison.EQUALS if name == "one_of" else Comparison(name)
    return Texts(comparison, tuple(text.strip().casefold() for text in texts))


def _needs(node: yaml.Node) -> Needs:
    return Needs(**fields(node, {}, {"images": _range, "volume": _volume}))


def _volume(node: yaml.Node) -> VolumeNeeds:
    found = fields(node, {}, {"pixel_spacing_mm": _range, "slice_distance_mm": _range})
    return VolumeNeeds(
        pixel_spacing=found.get("pixel_spacing_mm"),
        slice_distance=found.get("slice_distance_mm"),
    )


def _hours(node: yaml.Node) -> Hours:
    found = fields(node, {"from": _time, "to": _time}, {})
    if found["from"] == found["to"]:
        raise _wrong(node, "from and to are the same; leave them away for the whole day")
    return Hours(found["from"], found["to"])


def _range(node: yaml.Node) -> Range:
    found: Mapping[str, Any] = fields(node, {}, {"from": _number, "to": _number})
    low, high = found.get("from"), found.get("to")
    if low is None and high is None:
        raise _wrong(node, "a range has from, to or both")
    if low is not None and high is not None and low > high:
        raise _wrong(node, "from is more than to")
    return Range(low, high)


def _wrong(node: yaml.Node, message: str) -> Odd:
    return Odd(Problem(line_of(node), message))


def _number(node: yaml.Node) -> float:
    text = scalar(node)
    try:
        number = float(text)
    except ValueError:
        raise odd(node, "is not a number") from None
    if not math.isfinite(number):
        raise odd(node, "is not a number")
    return number


def rule_name(node: yaml.Node) -> str:
    """Read a name: 1 to 64 lower-case letters, digits and hyphens."""
    text = scalar(node)
    if not _NAME.fullmatch(text):
        raise odd(node, "is not 1 to 64 lower-case letters, digits and '-'")
    return text


def _time(node: yaml.Node) -> time:
    found = _TIME.fullmatch(scalar(node))
    if found is None:
        raise odd(node, "is not a time of day such as 07:00")
    return time(int(found[1]), int(found[2]))


def one_word(node: yaml.Node, words: type[StrEnum]) -> StrEnum:
    """Read one of some words."""
    text = scalar(node)
    if text not in list(words):
        raise odd(node, f"is not one of {', '.join(words)}")
    return words(text)
