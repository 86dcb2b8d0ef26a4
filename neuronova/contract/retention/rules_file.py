"""The file of rules for retention: the same form as that of models, with its lines in every error."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import yaml

from neuronova.contract.ai.conditions import Condition
from neuronova.contract.ai.nodes import (
    Odd,
    Problem,
    Reader,
    fields,
    items,
    line_of,
    one_or_more,
    whole,
)
from neuronova.contract.ai.rules_file import named_rules, one_word, read_condition, read_file, rule_name
from neuronova.contract.forwarding.rules_file import title
from neuronova.contract.retention.rules import RetentionRule, Since, Then

KNOWN = (
    "Modality",
    "StudyDescription",
    "SeriesDescription",
    "InstitutionName",
    "BodyPartExamined",
    "ProtocolName",
    "StationName",
    "SourceApplicationEntityTitle",
)
"""The attributes that the archive knows of a series without reading its images; the last is who sent it."""

NOWHERE = "nowhere"
MOST_DAYS = 36_525
MOST_A_DAY = 100_000


def read_retention(text: str) -> tuple[RetentionRule, ...]:
    """Read a text of rules.

    Raises:
        Odd: something in it is wrong; every problem is named with its line.
    """
    return named_rules(text, _rule)


def read_retention_file(path: Path | None) -> tuple[RetentionRule, ...]:
    """Read a file of rules; where there is none, nothing leaves.

    Raises:
        ValueError: something in it is wrong; it names the file, and every problem with its line.
        OSError: it cannot be read.
    """
    return () if path is None else read_file(path, read_retention)[0]


def _rule(node: yaml.Node) -> RetentionRule:
    required: dict[str, Reader] = {
        "name": rule_name,
        "keep_days": partial(whole, most=MOST_DAYS),
        "conditions": partial(items, read=_condition),
    }
    optional: dict[str, Reader] = {
        "since": partial(one_word, words=Since),
        "then": partial(one_word, words=Then),
        "copied_to": partial(one_or_more, read=title),
        "a_day": partial(whole, most=MOST_A_DAY),
    }
    defaults: dict[str, Any] = {"since": Since.ARRIVAL, "then": Then.REPORT, "copied_to": (), "a_day": 100}
    found = defaults | fields(node, required, optional)
    if (found["then"] is Then.DELETE) != bool(found["copied_to"]):
        message = f"delete and copied_to belong together: an AE title that has to confirm a copy, or {NOWHERE}"
        raise Odd(Problem(line_of(node), message))
    copied_to = tuple(one for one in found["copied_to"] if one != NOWHERE)
    return RetentionRule(**(found | {"copied_to": copied_to}))


def _condition(node: yaml.Node) -> Condition:
    condition = read_condition(node)
    unknown = [one.keyword for one in condition.attributes if one.keyword not in KNOWN]
    if unknown:
        raise Odd(Problem(line_of(node), f"{unknown[0]} is not known without reading images; {', '.join(KNOWN)} are"))
    return condition
