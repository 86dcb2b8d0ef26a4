"""The file of rules for forwarding: the same form as that of models, with its lines in every error."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import NamedTuple

import yaml

from neuronova.contract.ai.nodes import Reader, fields, items, odd, scalar
from neuronova.contract.ai.rules_file import named_rules, one_word, read_condition, read_file, rule_name
from neuronova.contract.forwarding.rules import ForwardingRule, OwnResults, When
from neuronova.contract.modalities import AE_TITLE
from neuronova.contract.priority import Priority


class ForwardingFile(NamedTuple):
    """The rules, and the text that they were read from."""

    rules: tuple[ForwardingRule, ...]
    text: str


NOTHING = ForwardingFile((), "")
"""Where no file is named: nothing is sent."""


def read_forwarding(text: str) -> tuple[ForwardingRule, ...]:
    """Read a text of rules.

    Raises:
        Odd: something in it is wrong; every problem is named with its line.
    """
    return named_rules(text, _rule)


def read_forwarding_file(path: Path | None) -> ForwardingFile:
    """Read a file of rules; `NOTHING` where there is none.

    Raises:
        ValueError: something in it is wrong; it names the file, and every problem with its line.
        OSError: it cannot be read.
    """
    return NOTHING if path is None else ForwardingFile(*read_file(path, read_forwarding))


def _rule(node: yaml.Node) -> ForwardingRule:
    required: dict[str, Reader] = {
        "name": rule_name,
        "to": title,
        "conditions": partial(items, read=read_condition),
    }
    optional: dict[str, Reader] = {
        "priority": partial(one_word, words=Priority),
        "when": partial(one_word, words=When),
        "own_results": partial(one_word, words=OwnResults),
    }
    defaults = {"priority": Priority.ROUTINE, "when": When.ON_ARRIVAL, "own_results": OwnResults.LEAVE}
    return ForwardingRule(**(defaults | fields(node, required, optional)))


def title(node: yaml.Node) -> str:
    """Read an AE title."""
    text = scalar(node).strip()
    if not re.fullmatch(AE_TITLE, text):
        raise odd(node, "is no AE title: 1 to 16 printable characters without a backslash")
    return text
