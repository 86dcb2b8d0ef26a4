"""The file of rules for prefetch: the same form as that of models, with its lines in every error."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from neuronova.contract.ai.nodes import Reader, fields, odd, one_or_more, scalar, whole
from neuronova.contract.ai.rules_file import named_rules, one_word, read_file, rule_name
from neuronova.contract.forwarding.rules_file import title
from neuronova.contract.prefetch.rules import ComesAs, PrefetchRule

MOST_YEARS = 100
MOST_STUDIES = 50
MOST = 5
"""How many studies a rule that does not say it fetches at most."""
_MODALITY = re.compile(r"[A-Z0-9_ ]{1,16}", re.ASCII)  # VR CS


def read_prefetch(text: str) -> tuple[PrefetchRule, ...]:
    """Read a text of rules.

    Raises:
        Odd: something in it is wrong; every problem is named with its line.
    """
    return named_rules(text, _rule)


def read_prefetch_file(path: Path | None) -> tuple[PrefetchRule, ...]:
    """Read a file of rules; none where there is no file.

    Raises:
        ValueError: something in it is wrong; it names the file, and every problem with its line.
        OSError: it cannot be read.
    """
    return () if path is None else read_file(path, read_prefetch)[0]


def _rule(node: yaml.Node) -> PrefetchRule:
    required: dict[str, Reader] = {"name": rule_name, "from": title}
    optional: dict[str, Reader] = {
        "orders": _orders,
        "priors": _priors,
        "come_as": partial(one_word, words=ComesAs),
    }
    found = fields(node, required, optional)
    wanted = {"most": MOST} | found.get("orders", {}) | found.get("priors", {})
    return PrefetchRule(
        name=found["name"], archive=found["from"], comes_as=found.get("come_as", ComesAs.PRIOR), **wanted
    )


def _orders(node: yaml.Node) -> dict[str, Any]:
    found = fields(node, {}, {"modality": _modalities, "code": _texts, "says": _texts})
    names = {"modality": "order_modalities", "code": "order_codes", "says": "order_words"}
    return {names[key]: value for key, value in found.items()}


def _priors(node: yaml.Node) -> dict[str, Any]:
    readers: dict[str, Reader] = {
        "modality": _modalities,
        "says": _texts,
        "years": partial(whole, most=MOST_YEARS),
        "most": partial(whole, most=MOST_STUDIES),
    }
    names = {"modality": "modalities", "says": "words"}
    return {names.get(key, key): value for key, value in fields(node, {}, readers).items()}


def _texts(node: yaml.Node) -> tuple[str, ...]:
    return one_or_more(node, lambda one: scalar(one).strip())


def _modalities(node: yaml.Node) -> tuple[str, ...]:
    return one_or_more(node, _modality)


def _modality(node: yaml.Node) -> str:
    text = scalar(node).strip()
    if not _MODALITY.fullmatch(text):
        raise odd(node, "is no Modality (VR CS: up to 16 capital letters, digits, '_' and spaces)")
    return text
