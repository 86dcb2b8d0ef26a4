"""Rules for prefetch: what a file may say, which order a rule means, and which studies it wants."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from neuronova.contract.ai.nodes import Odd
from neuronova.contract.prefetch.rules import ComesAs, OrderFacts, PrefetchRule, fits, means
from neuronova.contract.prefetch.rules_file import MOST, read_prefetch, read_prefetch_file
from tests.prefetch.telling import told

RULE = """rules:
  - name: chest
    from: OLD PACS
    orders:
      modality: [CT, CR]
      code: CT-CHEST
      says: [chest, 흉부]
    priors:
      modality: CT
      says: thorax
      years: 5
      most: 3
    come_as: new
"""
TODAY = date(2026, 3, 1)
CHEST = OrderFacts(modality="CT", codes=("1", "CT-CHEST"), words="CT Chest with contrast")
PLAIN = PrefetchRule(name="all", archive="OLD", most=MOST, comes_as=ComesAs.PRIOR)


def test_a_file_is_read() -> None:
    (rule,) = read_prefetch(RULE)
    assert rule == PrefetchRule(
        name="chest",
        archive="OLD PACS",
        order_modalities=("CT", "CR"),
        order_codes=("CT-CHEST",),
        order_words=("chest", "흉부"),
        modalities=("CT",),
        words=("thorax",),
        years=5,
        most=3,
        comes_as=ComesAs.NEW,
    )


def test_a_rule_that_says_no_more_than_from_where_means_every_order() -> None:
    assert read_prefetch("rules: [{name: all, from: OLD}]") == (PLAIN,)
    assert means(PLAIN, OrderFacts(modality="OT", codes=(), words=""))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("OLD PACS", "OLD\\PACS"), "line 3: OLD\\PACS is no AE title"),
        (("    from: OLD PACS\n", ""), "line 2: from is missing"),
        (("[CT, CR]", "[ct]"), "line 5: ct is no Modality"),
        (("      code:", "      codes:"), "line 6: codes is unknown; there are modality, code, says"),
        (("years: 5", "years: 0"), "line 11: 0 is not a whole number from 1 to 100"),
        (("most: 3", "most: all"), "line 12: all is not a whole number from 1 to 50"),
        (("come_as: new", "come_as: old"), "line 13: old is not one of prior, new"),
    ],
    ids=["title", "no-archive", "modality", "unknown-key", "years", "most", "come-as"],
)
def test_what_is_wrong_is_named_with_its_line(change: tuple[str, str], said: str) -> None:
    with pytest.raises(Odd) as raised:
        read_prefetch(RULE.replace(*change))
    assert said in str(raised.value)


def test_a_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    file = tmp_path / "prefetch.yaml"
    file.write_text(RULE.replace("come_as: new", "come_as: old"))
    with pytest.raises(ValueError, match=r"prefetch\.yaml: line 13"):
        read_prefetch_file(file)
    assert read_prefetch_file(None) == ()


@pytest.mark.parametrize(
    ("order", "meant"),
    [
        (CHEST, True),
        (replace(CHEST, words="CT 흉부"), True),
        (replace(CHEST, modality="MR"), False),
        (replace(CHEST, codes=("CT-HEAD",)), False),
        (replace(CHEST, words="CT head"), False),
    ],
    ids=["all", "korean", "other-modality", "other-code", "other-words"],
)
def test_which_order_a_rule_means(order: OrderFacts, meant: bool) -> None:
    (rule,) = read_prefetch(RULE)
    assert means(rule, order) is meant


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ({}, True),
        ({"modalities": ("SR", "CT")}, True),
        ({"modalities": ("MR",)}, False),
        ({"modalities": ()}, True),
        ({"description": "CT Thörax"}, True),
        ({"description": "CT head"}, False),
        ({"description": ""}, True),
        ({"date": "20210301"}, True),
        ({"date": "20210228"}, False),
        ({"date": ""}, True),
    ],
    ids=[
        *("all", "one-of-its-modalities", "other-modality", "no-modality", "accent", "other-words", "no-words"),
        *("five-years", "older", "no-date"),
    ],
)
def test_which_study_a_rule_wants(found: dict[str, Any], wanted: bool) -> None:
    (rule,) = read_prefetch(RULE)
    assert fits(rule, told("1.2", **{"description": "CT thorax", "modalities": ("CT",)} | found), TODAY) is wanted


def test_a_leap_day_has_a_year_before() -> None:
    assert fits(replace(PLAIN, years=1), replace(told("1.2"), date="20270301"), date(2028, 2, 29))
    assert not fits(replace(PLAIN, years=1), replace(told("1.2"), date="20270228"), date(2028, 2, 29))
