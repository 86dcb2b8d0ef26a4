"""The file of rules: every error has its line."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuronova.contract.ai.nodes import DEEPEST, LONGEST_TEXT, MOST_CHARACTERS, MOST_ITEMS, Odd
from neuronova.contract.ai.rules import WhenItCannot
from neuronova.contract.ai.rules_file import read_rules
from neuronova.contract.priority import Priority
from neuronova.platform.layout import REPOSITORY

GOOD = """rules:
  - name: a
    model: m
    conditions:
      - all: Modality
        equals: NO
"""


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(Odd) as caught:
        read_rules(text)
    assert list(caught.value.problems) == sorted(caught.value.problems)
    return [(one.line, one.message) for one in caught.value.problems]


def test_what_may_be_left_away() -> None:
    (rule,) = read_rules(GOOD)
    assert (rule.priority, rule.when_it_cannot, rule.hours) == (Priority.ROUTINE, WhenItCannot.SKIP, None)
    assert str(rule.conditions[0]) == "all Modality equals no"  # which YAML itself takes for a truth value


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("name: a", "name: A b", 2, "A b is not 1 to 64 lower-case letters"),
        ("name: a", "name: " + "a" * 65, 2, "is not 1 to 64"),
        ("name: a", "name: [a]", 2, "this is not one value"),
        ("name: a", "nam: a", 2, "name is missing"),
        ("name: a", "name: ''", 2, "this is empty"),
        ("model: m", "model: m\n    model: n", 4, "model is there twice"),
        ("model: m", "model: m\n    priority: soon", 4, "soon is not one of routine, urgent, asap, stat"),
        ("model: m", "model: m\n    when_it_cannot: cry", 4, "cry is not one of skip, report"),
        ("model: m", "model: m\n    hours: {from: 7, to: 19:00}", 4, "7 is not a time of day such as 07:00"),
        ("model: m", "model: m\n    hours: {from: 24:00, to: 19:00}", 4, "24:00 is not a time"),
        ("model: m", "model: m\n    hours: {from: '07:00', to: '07:00'}", 4, "from and to are the same"),
        ("model: m", "model: m\n    hours: {from: '07:00'}", 4, "to is missing"),
        ("model: m", "model: m\n    needs: {images: 3}", 4, "3 is not a mapping"),
        ("model: m", "model: m\n    needs: {images: {}}", 4, "a range has from, to or both"),
        ("model: m", "model: m\n    needs:\n      volume: {spacing: 3}", 5, "spacing is unknown"),
        ("model: m", "model: m\n    needs:\n      volume:\n        pixel_spacing_mm: {to: .inf}", 6, ".inf is not a"),
        ("model: m", "model: m\n    needs: {images: {from: nan}}", 4, "nan is not a number"),
        ("all: Modality", "all: modality", 5, "modality is no keyword"),
        ("all: Modality", "all: PixelData", 5, "PixelData has no values to compare"),
        ("all: Modality", "all: [Modality, Rows]", 5, "text and numbers are not compared"),
        ("all: Modality", "some: Modality", 5, "under one of all, any, none"),
        ("all: Modality", "all: Modality\n        any: Modality", 5, "under one of all, any, none"),
        ("equals: NO", "like: NO", 5, "a condition has one of equals"),
        ("equals: NO", "equals: NO\n        not: x", 7, "not is no part of a condition"),
        ("equals: NO", "one_of: NO", 6, "NO is not a list"),
        ("equals: NO", "one_of: []", 6, "this is not a list"),
        ("equals: NO", "one_of:\n          - x\n          - ''", 8, "this is empty"),
        ("equals: NO", f"equals: {'x' * (LONGEST_TEXT + 1)}", 6, f"is longer than {LONGEST_TEXT}"),
        ("equals: NO", f"one_of: [{'x, ' * MOST_ITEMS} x]", 6, f"more than {MOST_ITEMS} items"),
        ("equals: NO", "range: {from: 1}", 6, "range is for numbers"),
        ("equals: NO", "equals: NO\n      - all: Rows\n        contains: 1", 8, "contains is for text"),
        ("equals: NO", "equals: NO\n      - all: Rows\n        equals: one", 8, "one is not a number"),
        ("equals: NO", "equals: NO\n      - all: Rows\n        range: {from: 2, to: 1}", 8, "from is more than to"),
        ("equals: NO", "equals: &anchor NO", 6, "anchors"),
        ("equals: NO", "equals: *anchor", 6, "anchors"),
        ("equals: NO", "equals: !!python/name:os.system NO", 6, "tags"),
        ("equals: NO", "equals: NO\n---\nrules: []", 7, "more than one document"),
        ("equals: NO", "equals: {NO", 7, "no YAML"),
        ("equals: NO", "equals: \x07", 6, "U+0007"),
        ("equals: NO", 'equals: "\\UFFFFFFFF"', 6, "no YAML"),
        ("equals: NO", f"equals: {'[' * DEEPEST}", 6, "nested deeper"),
        ("rules:", "rule:", 1, "rules is missing"),
    ],
    ids=lambda value: None if isinstance(value, int) else value[:30].encode("unicode_escape").decode(),
)
def test_an_error_and_its_line(old: str, new: str, line: int, said: str) -> None:
    assert old in GOOD
    found = problems(GOOD.replace(old, new))
    assert any(at == line and said in message for at, message in found), found


@pytest.mark.parametrize("text", ["", "# nothing", "---", "[]", "x", "rules:", "rules: {}", "x: \n" * MOST_CHARACTERS])
def test_no_rules(text: str) -> None:
    assert problems(text)[0][0] == 1


def test_every_error_at_once() -> None:
    text = GOOD.replace("name: a", "name: A").replace("Modality", "Modalities") + GOOD.removeprefix("rules:\n")
    assert [line for line, _ in problems(text)] == [2, 5]


def test_a_name_is_there_once() -> None:
    assert problems(GOOD + GOOD.removeprefix("rules:\n")) == [(7, "the rule a is there already, in line 2")]


WORDS = [
    *("rules", "name", "model", "conditions", "all", "any", "none", "equals", "one_of", "matches", "range", "needs"),
    *("images", "volume", "hours", "from", "to", "Modality", "Rows", "PixelData", "12:30", "1", "-", "- ", ": ", "\n"),
    *(
        "  ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&a ",
        "*a",
        "!!int ",
        "'",
        '"',
        "#",
        "|",
        ">",
        "%YAML ",
        "---",
        "...",
        "\\U",
        "<<",
    ),
]
ANY_TEXT = st.text(max_size=200) | st.lists(st.sampled_from(WORDS), max_size=40).map("".join)
SHIPPED = (REPOSITORY / "ai_rules.yaml").read_text()


def has_lines(text: str) -> None:
    """Read it: it is rules, or each problem has a line of the text and says something printable."""
    try:
        assert read_rules(text)
    except Odd as odd:
        assert odd.problems
        lines = len(text.splitlines()) + 1
        for one in odd.problems:
            assert 1 <= one.line <= lines
            assert one.message.isprintable()


UNHURRIED = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, derandomize=True)


@UNHURRIED
@given(ANY_TEXT)
def test_any_text_is_rules_or_has_errors_with_lines(text: str) -> None:
    has_lines(text)


@UNHURRIED
@given(st.integers(0, len(SHIPPED)), st.integers(0, 12), ANY_TEXT | st.sampled_from(string.punctuation))
def test_any_change_of_a_good_file_is_rules_or_has_errors_with_lines(at: int, removed: int, put: str) -> None:
    has_lines(SHIPPED[:at] + put + SHIPPED[at + removed :])
