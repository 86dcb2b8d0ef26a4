"""Rules for retention: what a file may say, and when which study's days are over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neuronova.contract.ai.nodes import Odd
from neuronova.contract.ai.series import Series
from neuronova.contract.retention.rules import DAY, Since, StudyFacts, Then, due
from neuronova.contract.retention.rules_file import read_retention, read_retention_file

RULES = """rules:
  - name: teaching-stays
    keep_days: 36525
    conditions:
      - any: StudyDescription
        contains: teaching
  - name: old-cr
    keep_days: 3650
    since: study_date
    then: delete
    copied_to: [ARCHIVE, VAULT 2]
    a_day: 20
    conditions:
      - all: Modality
        one_of: [CR, DX]
      - any: SourceApplicationEntityTitle
        equals: CR1
"""


def facts(**more: Any) -> StudyFacts:
    values = {"00080060": "CR", "00081030": "Chest", "00020016": "CR1"} | more.pop("values", {})
    series = Series(tuple({tag: {"Value": [value]} for tag, value in values.items()} for _ in range(2)))
    known: dict[str, Any] = {"series": series, "study_date": 0.0, "arrived": 5 * DAY, "last_used": 0.0}
    return StudyFacts(**(known | more))


def test_a_file_is_read() -> None:
    stays, old = read_retention(RULES)
    assert (stays.then, stays.since, stays.copied_to, stays.a_day) == (Then.REPORT, Since.ARRIVAL, (), 100)
    assert (old.then, old.since, old.copied_to, old.a_day) == (
        Then.DELETE,
        Since.STUDY_DATE,
        ("ARCHIVE", "VAULT 2"),
        20,
    )


def test_a_rule_that_asks_for_no_copy_says_so() -> None:
    (_, old) = read_retention(RULES.replace("[ARCHIVE, VAULT 2]", "nowhere"))
    assert (old.then, old.copied_to) == (Then.DELETE, ())


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (RULES.replace("keep_days: 3650\n", "keep_days: 0\n"), 8, "whole number from 1"),
        (RULES.replace("keep_days: 3650\n", "keep_days: 1e3\n"), 8, "whole number from 1"),
        (RULES.replace("    keep_days: 3650\n", ""), 7, "keep_days is missing"),
        (RULES.replace("since: study_date", "since: birth"), 9, "is not one of study_date, arrival, last_use"),
        (RULES.replace("then: delete", "then: shred"), 10, "is not one of report, delete"),
        (RULES.replace("    copied_to: [ARCHIVE, VAULT 2]\n", ""), 7, "delete and copied_to belong together"),
        (RULES.replace("    then: delete\n", ""), 7, "delete and copied_to belong together"),
        (RULES.replace("VAULT 2", "back\\slash"), 11, "is no AE title"),
        (RULES.replace("a_day: 20", "a_day: 100001"), 12, "whole number from 1"),
        (RULES.replace("all: Modality", "all: PatientID"), 14, "PatientID is not known without reading images"),
        (RULES.replace("name: old-cr", "name: teaching-stays"), 7, "is there already"),
        (RULES + "    model: x\n", 18, "model is unknown"),
        ("rules:\n", 1, "is not a list"),
        ("", 1, "the file is empty"),
    ],
)
def test_every_error_has_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(Odd) as found:
        read_retention(text)
    (problem,) = found.value.problems
    assert problem.line == line
    assert said in problem.message


def test_the_days_of_a_study() -> None:
    rules = read_retention(RULES)
    found = due(rules, facts())
    assert found is not None
    assert (found.rule.name, found.at) == ("old-cr", 3650 * DAY)


@pytest.mark.parametrize(
    "study",
    [
        facts(values={"00080060": "CT"}),
        facts(values={"00020016": "CR2"}),
        facts(study_date=None),
    ],
    ids=["of another modality", "from another sender", "without a date"],
)
def test_a_study_that_no_rule_means_stays(study: StudyFacts) -> None:
    assert due(read_retention(RULES), study) is None


def test_the_first_rule_that_means_a_study_decides() -> None:
    found = due(read_retention(RULES), facts(values={"00081030": "Teaching file 7"}))
    assert found is not None
    assert (found.rule.name, found.at) == ("teaching-stays", (36_525 + 5) * DAY)


@pytest.mark.parametrize(
    ("since", "used", "at"),
    [("arrival", 9 * DAY, 5 * DAY), ("last_use", 9 * DAY, 9 * DAY), ("last_use", 0.0, 5 * DAY)],
)
def test_from_when_days_are_counted(since: str, used: float, at: float) -> None:
    rules = read_retention(RULES.replace("since: study_date", f"since: {since}"))
    found = due(rules, facts(last_used=used))
    assert found is not None
    assert found.at == at + 3650 * DAY


def test_without_a_file_nothing_leaves() -> None:
    assert read_retention_file(None) == ()


def test_a_file_that_is_wrong_names_itself(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("rules: [")
    with pytest.raises(ValueError, match=r"rules\.yaml: line 1"):
        read_retention_file(file)
    file.write_bytes(b"\xff")
    with pytest.raises(ValueError, match="is not UTF-8"):
        read_retention_file(file)
    with pytest.raises(OSError, match="No such file"):
        read_retention_file(tmp_path / "none.yaml")
