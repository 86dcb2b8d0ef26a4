"""Which studies' days are over, or will be soon: what the rules say of each stored study."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from cdss_api.holds.holding import keeps
from cdss_api.imaging.models import Study
from cdss_api.retention.asking import Described
from cdss_api.retention.models import LEGAL_HOLD, NOTICE
from neuronova.contract.ai.attributes import attribute_of
from neuronova.contract.ai.series import Series
from neuronova.contract.retention.rules import DAY, Due, RetentionRule, Since, StudyFacts, Then, due
from neuronova.contract.retention.rules_file import KNOWN
from neuronova.contract.studies import StudyKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A stored study; times are seconds since the epoch, and `study_date` is None where it says none."""

    key: StudyKey
    orthanc: str
    held: bool
    study_date: float | None
    arrived: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A candidate that a rule means: when its days are over, and why it stays all the same."""

    candidate: Candidate
    due: Due
    described: Described
    kept: str | None


Uses = Callable[[StudyKey], float]
"""When a study was last opened, in seconds since the epoch; 0 where nobody has."""
Describes = Callable[[str], Described | None]
"""What Orthanc says of a study, by its identifier; None where it is gone."""


def candidates(session: Session, rules: Sequence[RetentionRule], before: float) -> Iterator[Candidate]:
    """Yield the stored studies of which a rule could be done before a moment, by what is known without Orthanc."""
    rows = (
        select(Study, keeps(Study))
        .where(Study.sent.is_not(None), or_(false(), *(_could_be_done(rule, before) for rule in rules)))
        .order_by(Study.study_uid, Study.patient_id, Study.issuer)
        .execution_options(yield_per=500)
    )
    for row, held in session.execute(rows):
        yield Candidate(
            key=StudyKey(row.study_uid, row.patient_id, row.issuer),
            orthanc=json.loads(row.sent or "{}")["orthanc"],
            held=bool(held),
            study_date=row.dated,
            arrived=row.arrived,
        )


def look(
    studies: Iterable[Candidate], rules: Sequence[RetentionRule], now: float, describes: Describes, uses: Uses
) -> Iterator[Found]:
    """Yield the studies whose days are over within `NOTICE`, with why they stay where they do."""
    counts_uses = any(rule.since is Since.LAST_USE for rule in rules)
    for candidate in studies:
        described = describes(candidate.orthanc)
        if described is None:
            continue
        facts = StudyFacts(
            series=Series(tuple(_attributes(described.study | one) for one in described.series)),
            study_date=candidate.study_date,
            arrived=candidate.arrived,
            last_used=uses(candidate.key) if counts_uses else 0.0,
        )
        found = due(rules, facts)
        if found is not None and found.at < now + NOTICE:
            yield Found(candidate=candidate, due=found, described=described, kept=_kept(candidate, found.rule))


def _kept(candidate: Candidate, rule: RetentionRule) -> str | None:
    if candidate.held:
        return LEGAL_HOLD
    return None if rule.then is Then.DELETE else "the rule only reports"


def _could_be_done(rule: RetentionRule, before: float) -> ColumnElement[bool]:
    # A study was not used before it arrived; one without a date is of no rule that counts from it.
    since = Study.dated if rule.since is Since.STUDY_DATE else Study.arrived
    return since < before - rule.keep_days * DAY


def _attributes(values: dict[str, str]) -> dict[str, Any]:
    """Return tags by keyword as DICOM JSON (PS3.18 Annex F), as far as rules may ask for them."""
    found = {}
    for keyword in KNOWN:
        if value := values.get(keyword, "").strip(" \0"):
            found[attribute_of(keyword).tag] = {"Value": value.split("\\")}
    return found
