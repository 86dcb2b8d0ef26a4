"""What rules say of series, as tables."""

from __future__ import annotations

from datetime import time
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuronova.contract.ai.attributes import attribute_of, number_of, text_of, values_of
from neuronova.contract.ai.geometry import NoVolume, volume_of
from neuronova.contract.ai.rules import Outcome, Rule, Verdict, evaluate
from neuronova.contract.ai.rules_file import read_rules
from neuronova.contract.ai.series import OddMetadata, Series, series_of
from neuronova.platform.layout import REPOSITORY
from tests.ai.heads import as_series, changed, ct_head, localizer, mr_t1w, ours
from tests.conftest import real_series

NOON = time(12)
DEFAULTS = {rule.name: rule for rule in read_rules((REPOSITORY / "ai_rules.yaml").read_text())}


def rule_with(part: str) -> Rule:
    """Return a rule whose last lines are these."""
    (rule,) = read_rules(f"rules:\n  - name: r\n    model: m\n    {part}")
    return rule


def on(condition: str) -> Rule:
    return rule_with(f"conditions: [{{{condition}}}]")


@pytest.mark.parametrize(
    "condition",
    [
        "all: Modality, equals: CT",
        "all: Modality, equals: ct",
        "all: ImageType, equals: primary",
        "none: ImageType, one_of: [LOCALIZER, DERIVED]",
        "any: [SeriesDescription, BodyPartExamined], contains: ea",
        "any: BodyPartExamined, matches: h*d",
        "any: BodyPartExamined, matches: 'h??d'",
        "any: BodyPartExamined, matches: [x, '*ad']",
        "none: SeriesDescription, matches: '*'",
        "all: Rows, equals: 16",
        "all: Rows, one_of: [8, 16.0]",
        "all: InstanceNumber, range: {from: 1, to: 3}",
        "any: InstanceNumber, range: {to: 1}",
        "all: PixelSpacing, range: {from: 0.5, to: 0.5}",
        "all: PatientID, equals: synthetic",
    ],
)
def test_a_condition_is_met(condition: str) -> None:
    assert evaluate(on(condition), as_series(ct_head(3)), NOON) == Verdict(Outcome.FIRES)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("all: Modality, equals: MR", "all Modality equals mr: 3 of 3 images do not (CT)"),
        ("none: ImageType, equals: AXIAL", r"none ImageType equals axial: 3 of 3 images pass (ORIGINAL\PRIMARY\AXIAL)"),
        (
            "any: BodyPartExamined, matches: ['h[a-z]*d', ea]",
            "any BodyPartExamined matches h[a-z]*d or ea: 3 of 3 images do not (HEAD)",
        ),
        (
            "any: SeriesDescription, matches: '*'",
            "any SeriesDescription matches *: 3 of 3 images do not (no value)",
        ),
        ("all: Rows, equals: 17", "all Rows equals 17: 3 of 3 images do not (16)"),
        ("all: InstanceNumber, range: {from: 2}", "all InstanceNumber from 2: 1 of 3 images do not (1)"),
        ("none: InstanceNumber, range: {from: 2}", "none InstanceNumber from 2: 2 of 3 images pass (2, 3)"),
        ("all: EchoTime, range: {to: 9}", "all EchoTime to 9: 3 of 3 images do not (no value)"),
        ("all: PatientName, equals: x", "all PatientName equals x: 3 of 3 images do not"),
        ("all: PatientID, equals: x", "all PatientID equals x: 3 of 3 images do not"),
    ],
)
def test_a_condition_is_not_met(condition: str, reason: str) -> None:
    assert evaluate(on(condition), as_series(ct_head(3)), NOON) == Verdict(Outcome.NOT_MEANT, (reason,))


def test_a_reason_shows_a_few_values() -> None:
    (reason,) = evaluate(on("all: InstanceNumber, equals: 0"), as_series(ct_head(9)), NOON).reasons
    assert reason == "all InstanceNumber equals 0: 9 of 9 images do not (1, 2, 3, ..)"


def test_many_wildcards_take_no_time() -> None:
    series = Series(({"0008103E": {"vr": "LO", "Value": ["a" * 5000]}},) * 50)
    rule = on(f"any: SeriesDescription, matches: '{'*a' * 90}*b'")
    began = process_time()
    assert evaluate(rule, series, NOON).outcome is Outcome.NOT_MEANT
    assert process_time() - began < 2


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        ("all: BodyPartExamined, equals: HEAD", False),
        ("any: BodyPartExamined, equals: CHEST", True),
        ("none: BodyPartExamined, equals: CHEST", False),
    ],
    ids=["all", "any", "none"],
)
def test_every_image_counts(at: int, condition: str, fires: bool) -> None:
    verdict = evaluate(on(condition), changed(3, at, "BodyPartExamined", "CHEST"), NOON)
    assert (verdict.outcome is Outcome.FIRES) == fires


@pytest.mark.parametrize(
    ("age", "fires"),
    [("018Y", True), ("017Y", False), ("300M", True), ("800W", False), ("042D", False), ("42", False), ("", False)],
)
def test_ages_are_years(age: str, fires: bool) -> None:
    series = as_series(ct_head(2, PatientAge=age)) if age != "42" else Series(({"00101010": {"Value": ["42"]}},))
    assert (evaluate(on("all: PatientAge, range: {from: 18}"), series, NOON).outcome is Outcome.FIRES) == fires


@pytest.mark.parametrize(
    ("name", "images", "outcome", "reason"),
    [
        ("ct-head", ct_head(), Outcome.FIRES, ""),
        ("ct-head", ct_head(11), Outcome.REPORTS, "it has 11 images, not from 12 to 1000"),
        ("ct-head", ct_head(BodyPartExamined="CHEST"), Outcome.NOT_MEANT, "CHEST"),
        ("ct-head", localizer(), Outcome.NOT_MEANT, "LOCALIZER"),
        ("ct-head", mr_t1w(), Outcome.NOT_MEANT, "Modality"),
        ("ct-head", ours()[0], Outcome.NOT_MEANT, "the platform itself stored it"),
        ("ct-head", [*ct_head(), *ours()[1]], Outcome.NOT_MEANT, "the platform itself stored it"),
        ("mr-t1w", mr_t1w(), Outcome.FIRES, ""),
        ("mr-t1w", mr_t1w(59), Outcome.SKIPS, "it has 59 images"),
        ("mr-t1w", mr_t1w(PixelSpacing=[2, 2]), Outcome.SKIPS, "pixel spacing is 2 mm, not from 0.3 to 1.5 mm"),
        ("mr-t1w", mr_t1w(SeriesDescription="T2 TSE"), Outcome.NOT_MEANT, "T2 TSE"),
        ("mr-t1w", [*mr_t1w(), *ct_head(1)], Outcome.NOT_MEANT, "1 of 63 images do not (CT)"),
    ],
    ids=[
        *("head", "few", "chest", "localizer", "mr", "seg", "ours-among-others"),
        *("t1w", "few-mr", "coarse", "t2", "mixed"),
    ],
)
def test_the_rules_that_come_with_the_platform(name: str, images: list[Any], outcome: Outcome, reason: str) -> None:
    verdict = evaluate(DEFAULTS[name], as_series(images), NOON)
    assert verdict.outcome is outcome
    assert reason in "; ".join(verdict.reasons)
    assert bool(verdict.reasons) == (outcome is not Outcome.FIRES)


@pytest.mark.parametrize(("folder", "name"), [("mr-t1w", "mr-t1w"), ("ct-head", "ct-head")])
def test_real_series(folder: str, name: str) -> None:
    series = as_series(real_series(folder))
    fired = {one for one, rule in DEFAULTS.items() if evaluate(rule, series, NOON).outcome is Outcome.FIRES}
    assert fired == {name}


@pytest.mark.parametrize(
    ("begin", "end", "at", "fires"),
    [
        ("07:00", "19:00", time(7), True),
        ("07:00", "19:00", time(18, 59, 59), True),
        ("07:00", "19:00", time(19), False),
        ("22:00", "06:00", time(23), True),
        ("22:00", "06:00", time(5, 59), True),
        ("22:00", "06:00", time(6), False),
    ],
)
def test_hours(begin: str, end: str, at: time, fires: bool) -> None:
    rule = rule_with(f"hours: {{from: {begin}, to: {end}}}\n    conditions: [{{all: Modality, equals: CT}}]")
    assert (evaluate(rule, as_series(ct_head(2)), at).outcome is Outcome.FIRES) == fires


@pytest.mark.parametrize("metadata", [None, {}, [], [1], ["x"], [{}, None]])
def test_what_is_no_metadata(metadata: object) -> None:
    with pytest.raises(OddMetadata):
        series_of(metadata)


ANYTHING = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
VALUES = st.lists(ANYTHING | st.fixed_dictionaries({"Alphabetic": ANYTHING}), max_size=6) | ANYTHING
TAGS = [
    attribute_of(keyword).tag
    for keyword in ("Modality", "ImageType", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows")
]
ELEMENTS = st.fixed_dictionaries({"Value": VALUES}) | ANYTHING


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, derandomize=True)
@given(st.lists(st.dictionaries(st.sampled_from(TAGS), ELEMENTS, max_size=6), min_size=2, max_size=4))
def test_any_json_gets_an_answer(metadata: list[dict[str, Any]]) -> None:
    series = series_of(metadata)
    for rule in DEFAULTS.values():  # which ask for a description, and there is none
        verdict = evaluate(rule, series, NOON)
        assert verdict.outcome is Outcome.NOT_MEANT
        assert all(reason.isprintable() for reason in verdict.reasons)
    found = volume_of(series)
    assert isinstance(found, NoVolume) or len(found.distances) == len(metadata) - 1


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (" CT \0", "CT", None),
        ({"Alphabetic": "A^B"}, "A^B", None),
        ({"Ideographic": "洪"}, "洪", None),
        (None, None, None),
        (True, None, None),
        ("", None, None),
        ("1.5", "1.5", 1.5),
        (2, "2", 2.0),
        (float("inf"), "inf", None),
        ("nan", "nan", None),
        (10**400, str(10**400), None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_values(value: object, text: str | None, number: float | None) -> None:
    assert text_of(value) == text
    assert number_of(value) == number


def test_values_of_an_attribute_that_is_not_there() -> None:
    assert values_of({}, attribute_of("Modality")) == ()
    assert values_of({"00080060": {"vr": "CS"}}, attribute_of("Modality")) == ()
