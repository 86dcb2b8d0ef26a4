"""What the plugin makes of the rules, and what it remembers of series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from neuronova.contract.ai.judged import LONGEST_REASON, MOST_REASONS, Asked, SeriesJudged
from neuronova.contract.ai.rules_file import read_rules
from neuronova.contract.grants import Patient
from neuronova.contract.priority import Priority
from orthanc_plugins.ai.judging import OWN_FILE, asked_of, files_digest, may_be_asked_for, read_rules_file
from orthanc_plugins.ai.memory import Memory
from orthanc_plugins.ai.reading import Ambiguous, judged
from tests.ai.heads import as_series, ct_head

UNIT = "a-b-c-d-e"
OTHER = "f-g-h-i-j"
TOLD = SeriesJudged(
    writer="",
    sequence=0,
    orthanc=UNIT,
    study="1.2.3",
    series="1.2.3.1",
    patient_id="P-1",
    issuer="HOSPITAL",
    accession_number="",
    modality="CT",
    instances=2,
    input_hash="a" * 64,
    uids_hash="b" * 64,
    asked=(Asked(rule="r", model="m", priority=Priority.STAT),),
)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    opened = Memory(tmp_path / "series.db")
    yield opened
    opened.close()


MODALITIES = {"CT": True, "MR": True, "US": False, "SEG": False, "": False}


@pytest.mark.parametrize(("modality", "worth"), MODALITIES.items(), ids=[one or "none" for one in MODALITIES])
def test_whether_a_modality_is_worth_a_look(modality: str, worth: bool) -> None:
    assert may_be_asked_for(read_rules_file(OWN_FILE).rules, modality) is worth


def test_rules_that_ask_for_no_modality_ask_for_any_but_what_is_no_image() -> None:
    rules = read_rules("rules: [{name: r, model: m, conditions: [{all: [Modality, BodyPartExamined], equals: HEAD}]}]")
    assert may_be_asked_for(rules, "US")
    assert not may_be_asked_for(rules, "SR")
    assert not may_be_asked_for((), "CT")


def test_a_file_that_is_no_text_or_too_long_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(b"rules: \xff")
    with pytest.raises(ValueError, match=r"rules\.yaml is not UTF-8"):
        read_rules_file(path)
    path.write_text("#" * 300_000)
    with pytest.raises(ValueError, match=r"rules\.yaml: line 1: the file is longer than"):
        read_rules_file(path)


def test_hours_are_those_at_which_a_series_is_judged() -> None:
    rules = read_rules(
        "rules: [{name: night, model: m, hours: {from: '22:00', to: '06:00'}, conditions: [{all: Rows, equals: 16}]}]"
    )
    assert [one.rule for one in asked_of(rules, as_series(ct_head()), time(23))] == ["night"]
    assert asked_of(rules, as_series(ct_head()), time(12)) == ()


def test_reasons_are_as_many_and_as_long_as_the_api_takes() -> None:
    rules = read_rules(
        "rules: [{name: r, model: m, when_it_cannot: report, conditions: [{all: Rows, equals: 16}],"
        " needs: {images: {from: 900}, volume: {pixel_spacing_mm: {from: 5}}}}]"
    )
    (asked,) = asked_of(rules, as_series(ct_head()), time(12))
    assert 1 < len(asked.reasons) <= MOST_REASONS
    assert all(0 < len(reason) <= LONGEST_REASON for reason in asked.reasons)


def test_the_digest_of_files_is_of_what_is_there_and_not_of_its_order() -> None:
    assert files_digest({"a": "1", "b": "2"}) == files_digest({"b": "2", "a": "1"})
    assert len({files_digest(one) for one in ({}, {"a": "1"}, {"a": "2"}, {"b": "1"}, {"a": "1", "b": "1"})}) == 5


SERIES = {"ID": UNIT, "MainDicomTags": {"SeriesInstanceUID": "1.2.3.1 ", "Modality": "CT"}}
STUDY = {"MainDicomTags": {"StudyInstanceUID": "1.2.3"}}
SAID = {"images": 2, "input_hash": "a" * 64, "uids_hash": "b" * 64, "asked": [], "sent": []}
UIDS = frozenset({"1.2.3.1"})


def test_whose_a_series_is() -> None:
    owners = {Patient("P-1", "HOSPITAL"): UIDS, Patient("P-1", "OTHER"): frozenset({"1.2.3.2"})}
    assert judged(SERIES, STUDY, owners, SAID) == replace(TOLD, asked=())
    assert judged(SERIES, STUDY, {Patient("P-1", ""): frozenset()}, SAID) is None
    with pytest.raises(Ambiguous, match="several patients"):
        judged(SERIES, STUDY, {Patient("P-1", "A"): UIDS, Patient("P-1", "B"): UIDS}, SAID)
    with pytest.raises(Ambiguous, match="study is no UID"):
        judged(SERIES, {"MainDicomTags": {}}, {Patient("P-1", ""): UIDS}, SAID)


def test_a_series_is_due_when_quiet_and_again_when_it_waited_or_was_touched(memory: Memory) -> None:
    memory.take_in(5, {"i": UNIT}, 10)
    assert memory.due(14.9, 5, 9) == []
    assert memory.due(15, 5, 9) == [(UNIT, 10)]
    memory.wait(UNIT, 10, 100)
    assert memory.due(99, 5, 9) == []
    assert memory.due(100, 5, 9) == [(UNIT, 10)]
    memory.take_in(6, {"j": UNIT}, 20)
    assert memory.due(24, 5, 9) == []
    assert memory.due(25, 5, 9) == [(UNIT, 20)]


def test_what_touches_a_series_while_it_is_judged_is_not_forgotten(memory: Memory) -> None:
    memory.take_in(5, {"i": UNIT}, 10)
    memory.take_in(6, {"j": UNIT}, 16)
    memory.settle(UNIT, 10, "files", "rules", ["i"], TOLD)
    assert memory.due(30, 5, 9) == [(UNIT, 16)]
    memory.leave(UNIT, 16)
    assert memory.due(30, 5, 9) == []


def test_the_last_of_a_series_is_told_until_it_is_answered(memory: Memory) -> None:
    memory.settle(UNIT, 0, "first", "rules", ["i"], TOLD)
    sent = memory.outgoing(9)
    memory.settle(UNIT, 0, "second", "rules", ["i"], replace(TOLD, input_hash="c" * 64))
    memory.answered(sent)
    (left,) = memory.outgoing(9)
    assert (left.input_hash, left.writer) == ("c" * 64, sent[0].writer)
    assert left.sequence > sent[0].sequence
    known = memory.judged(UNIT)
    assert known is not None
    assert (known.files, known.is_told) == ("second", True)


def test_only_what_was_told_is_told_to_be_gone(memory: Memory) -> None:
    memory.settle(UNIT, 0, "files", "rules", ["i"], TOLD)
    memory.settle(OTHER, 0, "", "rules", ["j"])
    memory.answered(memory.outgoing(9))
    memory.lose(UNIT, 0)
    memory.lose(OTHER, 0)
    (gone,) = memory.outgoing(9)
    assert gone == replace(
        TOLD, writer=gone.writer, sequence=gone.sequence, instances=0, input_hash="", uids_hash="", asked=()
    )
    assert memory.judged(UNIT) is None


def test_what_was_stored_before_the_first_start_is_known_and_not_judged(memory: Memory) -> None:
    memory.begin(7, ["old"], ["new"], 1)
    assert memory.has_begun()
    assert memory.sequence() == 7
    assert memory.reconcile([["old", "new"], ["unknown"]], 2) == 1
    assert memory.due(99, 5, 9) == [("new", 1), ("unknown", 2)]
    memory.bury("old", 3)
    memory.take_deletions(3)
    assert [unit for unit, _ in memory.due(99, 5, 9)] == ["new", "unknown", "old"]
