"""What the rules say of a series, as the API is told it: pure functions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import time
from pathlib import Path
from typing import NamedTuple

from neuronova.contract.ai.attributes import attribute_of
from neuronova.contract.ai.conditions import Condition, why_not
from neuronova.contract.ai.judged import LONGEST_REASON, MOST_REASONS, Asked, Sent
from neuronova.contract.ai.rules import Outcome, Rule, evaluate
from neuronova.contract.ai.rules_file import read_file, read_rules
from neuronova.contract.ai.series import Series
from neuronova.contract.forwarding.rules import ForwardingRule, When, sending

OWN_FILE = Path(__file__).parents[2] / "ai_rules.yaml"
NO_IMAGES = frozenset({"SEG", "SR", "DOC", "KO", "PR"})
"""Values of Modality (PS3.3 C.7.3.1.1.1) of what is made from images, on which no rule fires."""
_MODALITY = attribute_of("Modality")


class RulesFile(NamedTuple):
    """The rules, the text that they were read from, and its SHA-256."""

    rules: tuple[Rule, ...]
    text: str
    digest: str


def read_rules_file(path: Path) -> RulesFile:
    """Read a file of rules.

    Raises:
        ValueError: something in it is wrong; it names the file, and every problem with its line.
        OSError: it cannot be read.
    """
    rules, text = read_file(path, read_rules)
    return RulesFile(rules, text, hashlib.sha256(text.encode()).hexdigest())


def may_be_asked_for(rules: Iterable[Rule], modality: str) -> bool:
    """Tell whether a rule could be meant for a series of this modality, so that its images are worth looking at.

    Modality (0008,0060) is of the series (PS3.3 C.7.3.1): conditions on nothing else can be told without the images.
    """
    known = Series(({_MODALITY.tag: {"vr": "CS", "Value": [modality]}},))
    return modality not in NO_IMAGES and any(_may_be_meant(rule.conditions, known) for rule in rules)


def may_be_sent(rules: Iterable[ForwardingRule], modality: str) -> bool:
    """Tell the same of rules that forward, which take what is made from images as well."""
    known = Series(({_MODALITY.tag: {"vr": "CS", "Value": [modality]}},))
    return any(one.when is When.ON_ARRIVAL and _may_be_meant(one.conditions, known) for one in rules)


def _may_be_meant(conditions: Iterable[Condition], known: Series) -> bool:
    return all(
        why_not(condition, known) is None
        for condition in conditions
        if all(attribute == _MODALITY for attribute in condition.attributes)
    )


def asked_of(rules: Iterable[Rule], series: Series, at: time) -> tuple[Asked, ...]:
    """Return the rules that fire on a series at a time of day, and those whose model cannot and that is to be said."""
    if series.text("Modality") in NO_IMAGES:  # looked at for the sake of a rule that forwards
        return ()
    said = ((rule, evaluate(rule, series, at)) for rule in rules)
    return tuple(
        Asked(
            rule=rule.name,
            model=rule.model,
            priority=rule.priority,
            reasons=tuple(reason[:LONGEST_REASON] for reason in verdict.reasons[:MOST_REASONS]),
        )
        for rule, verdict in said
        if verdict.outcome in (Outcome.FIRES, Outcome.REPORTS)
    )


def sent_by(rules: Sequence[ForwardingRule], series: Series) -> tuple[Sent, ...]:
    """Return the rules that send a series on its arrival."""
    return tuple(Sent(rule=one.name, to=one.to, priority=one.priority) for one in sending(rules, series))


def files_digest(files: Mapping[str, str]) -> str:
    """Return the SHA-256 over Orthanc's identifiers of a series' instances and the MD5s of their files."""
    return hashlib.sha256("\n".join(f"{name} {files[name]}" for name in sorted(files)).encode()).hexdigest()


def uids_of(series: Series) -> Sequence[str]:
    """Return the SOPInstanceUIDs of a series' images, in their order; "" where one has none."""
    return [Series((one,)).text("SOPInstanceUID") for one in series.instances]
