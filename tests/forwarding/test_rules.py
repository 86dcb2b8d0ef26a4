"""Rules that forward: what a file may say, and which series a rule sends."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuronova.contract.ai.nodes import Odd
from neuronova.contract.ai.series import Series
from neuronova.contract.forwarding.rules import OwnResults, When, reasons_against, sending
from neuronova.contract.forwarding.rules_file import NOTHING, read_forwarding, read_forwarding_file
from neuronova.contract.ours import MANUFACTURER
from neuronova.contract.priority import Priority
from orthanc_plugins.ai.judging import may_be_sent

RULE = """rules:
  - name: ct-to-archive
    to: ARCHIVE 2
    priority: urgent
    when: on_arrival
    own_results: leave
    conditions:
      - all: Modality
        equals: CT
"""


def series(modality: str = "CT", manufacturer: str = "Scanners") -> Series:
    image = {
        "00080060": {"vr": "CS", "Value": [modality]},
        "00080070": {"vr": "LO", "Value": [manufacturer]},
    }
    return Series((image, image))


def test_a_file_is_read() -> None:
    (rule,) = read_forwarding(RULE)
    assert (rule.name, rule.to, rule.priority) == ("ct-to-archive", "ARCHIVE 2", Priority.URGENT)
    assert (rule.when, rule.own_results) == (When.ON_ARRIVAL, OwnResults.LEAVE)
    assert reasons_against(rule, series()) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("ARCHIVE 2", "ARCHIVE\\2"), "line 3: ARCHIVE\\2 is no AE title"),
        (("ARCHIVE 2", "A" * 17), "line 3: "),
        (("urgent", "soon"), "line 4: soon is not one of routine, urgent, asap, stat"),
        (("on_arrival", "at_night"), "line 5: at_night is not one of on_arrival, by_command"),
        (("leave", "maybe"), "line 6: maybe is not one of leave, send"),
        (("Modality", "Modalty"), "line 8: "),
        (("    to: ARCHIVE 2\n", ""), "line 2: to is missing"),
        (("    to:", "    model: x\n    to:"), "line 3: model is unknown"),
    ],
    ids=["backslash", "long-title", "priority", "when", "own-results", "attribute", "no-destination", "unknown-key"],
)
def test_what_is_wrong_is_named_with_its_line(change: tuple[str, str], said: str) -> None:
    with pytest.raises(Odd) as raised:
        read_forwarding(RULE.replace(*change))
    assert said in str(raised.value)


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(Odd, match="ct-to-archive is there already, in line 2"):
        read_forwarding(RULE + RULE.removeprefix("rules:\n"))


@pytest.mark.parametrize(("own", "sent"), [("leave", False), ("send", True)], ids=["leave", "send"])
def test_our_own_results_go_only_where_the_rule_says_so(own: str, sent: bool) -> None:
    (rule,) = read_forwarding(RULE.replace("leave", own))
    assert bool(sending((rule,), series(manufacturer=MANUFACTURER))) is sent


def test_a_rule_by_command_sends_nothing_on_arrival() -> None:
    rules = read_forwarding(RULE.replace("on_arrival", "by_command"))
    assert sending(rules, series()) == ()
    assert not may_be_sent(rules, "CT")


@pytest.mark.parametrize(("modality", "may"), [("CT", True), ("SR", False)], ids=["ct", "sr"])
def test_what_no_rule_can_mean_is_not_looked_at(modality: str, may: bool) -> None:
    assert may_be_sent(read_forwarding(RULE), modality) is may


def test_a_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    file = tmp_path / "forwarding.yaml"
    file.write_text(RULE.replace("urgent", "soon"))
    with pytest.raises(ValueError, match=r"forwarding\.yaml: line 4"):
        read_forwarding_file(file)
    assert read_forwarding_file(None) is NOTHING
