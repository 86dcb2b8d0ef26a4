"""What the plugin remembers of studies, and what it makes of what it sees."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from neuronova.contract.grants import Patient
from neuronova.contract.studies import StudyChanged, StudyDeleted
from orthanc_plugins.changes.memory import GRACE
from orthanc_plugins.studies.memory import Memory
from orthanc_plugins.studies.reading import changed
from tests.imaging.studies import a_series, a_study

ORTHANC = "a-b-c-d-e"
VERSION_1 = f"""
CREATE TABLE cursor (sequence INTEGER NOT NULL, writer TEXT NOT NULL, events INTEGER NOT NULL) STRICT;
CREATE TABLE member (resource TEXT PRIMARY KEY, study TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX member_study ON member (study);
CREATE TABLE gone (resource TEXT PRIMARY KEY, at REAL NOT NULL) STRICT;
CREATE TABLE touched (study TEXT PRIMARY KEY, first REAL NOT NULL, last REAL NOT NULL) STRICT;
CREATE TABLE told (
    orthanc TEXT NOT NULL, study TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (orthanc, study, patient_id, issuer)
) STRICT;
CREATE TABLE outgoing (
    sequence INTEGER PRIMARY KEY, orthanc TEXT NOT NULL,
    study TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (study, patient_id, issuer)
) STRICT;
INSERT INTO cursor VALUES (9, 'writer', 4);
INSERT INTO member VALUES ('instance', '{ORTHANC}');
INSERT INTO touched VALUES ('other', 1, 2);
INSERT INTO told VALUES ('{ORTHANC}', '1.2.3', 'P-1', '', '');
PRAGMA user_version = 1
"""


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    opened = Memory(tmp_path / "studies.db")
    yield opened
    opened.close()


def told(memory: Memory) -> list[tuple[type, str]]:
    return [(type(one), one.patient_id) for one in memory.outgoing(10)]


def test_what_says_the_same_is_told_once_and_what_is_new_again(memory: Memory) -> None:
    memory.look(ORTHANC, 0, [a_study()], ())
    (first,) = memory.outgoing(10)
    memory.look(ORTHANC, 0, [a_study()], ())
    assert memory.outgoing(10) == [first]
    memory.answered([first])
    memory.look(ORTHANC, 0, [a_study()], ())
    assert memory.outgoing(10) == []
    memory.look(ORTHANC, 0, [a_study(sex="F")], ())
    (second,) = memory.outgoing(10)
    assert second.writer == first.writer
    assert second.sequence > first.sequence


def test_an_answer_to_an_event_that_was_replaced_meanwhile_ends_only_that(memory: Memory) -> None:
    memory.look(ORTHANC, 0, [a_study()], ())
    sent = memory.outgoing(10)
    memory.look(ORTHANC, 0, [a_study(sex="F")], ())
    memory.answered(sent)
    (left,) = memory.outgoing(10)
    assert isinstance(left, StudyChanged)
    assert left.sex == "F"


def test_what_is_under_another_patient_is_deleted_under_the_first(memory: Memory) -> None:
    memory.look(ORTHANC, 0, [a_study()], ())
    memory.look(ORTHANC, 0, [a_study(patient_id="P-2")], ())
    assert told(memory) == [(StudyChanged, "P-2"), (StudyDeleted, "P-100")]


def test_a_deletion_touches_the_study_that_a_resource_was_in(memory: Memory) -> None:
    memory.look(ORTHANC, 0, [a_study()], ["instance"])
    memory.bury("instance", 10)
    memory.take_deletions(10)
    assert memory.due(11, 0.5, 1, 9) == [(ORTHANC, 10)]
    memory.look(ORTHANC, 10, [], ())
    assert told(memory) == [(StudyDeleted, "P-100")]
    assert memory.due(99, 0.5, 1, 9) == []


def test_a_deletion_of_what_is_looked_at_only_later_is_kept_for_a_while(memory: Memory) -> None:
    memory.bury("instance", 10)
    memory.take_deletions(10)
    memory.look(ORTHANC, 0, [a_study()], ["instance"])
    memory.take_deletions(11)
    assert memory.due(20, 0.5, 1, 9) == [(ORTHANC, 11)]
    memory.bury("stranger", 20)
    memory.take_deletions(20 + GRACE + 1)
    memory.look("other", 0, [a_study(study="1.9")], ["stranger"])
    memory.take_deletions(20 + GRACE + 2)
    assert [study for study, _ in memory.due(99, 0.5, 1, 9)] == [ORTHANC]


def test_a_study_is_due_when_quiet_or_once_a_second_while_it_grows(memory: Memory) -> None:
    for tenth in range(9):
        memory.touch([ORTHANC], tenth / 10)
        assert memory.due(tenth / 10 + 0.1, 0.4, 1, 9) == []
    assert memory.due(1.0, 0.4, 1, 9) == [(ORTHANC, 0.8)]
    memory.touch([ORTHANC], 1.0)
    memory.look(ORTHANC, 0.8, [a_study()], ())  # what touched it since is looked at again
    assert memory.due(1.3, 0.4, 1, 9) == []
    assert memory.due(1.5, 0.4, 1, 9) == [(ORTHANC, 1.0)]


def test_reconciliation_touches_what_only_one_side_knows(memory: Memory) -> None:
    memory.look("both", 0, [a_study(study="1.1")], ())
    memory.look("gone", 0, [a_study(study="1.2")], ())
    assert memory.reconcile([["both"], ["new"]], 5) == 2
    assert sorted(study for study, _ in memory.due(9, 0.4, 1, 9)) == ["gone", "new"]


def test_a_file_of_version_1_is_read(tmp_path: Path) -> None:
    path = tmp_path / "studies.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_1)
    memory = Memory(path)
    assert (memory.sequence(), memory.unit_of("instance")) == (9, ORTHANC)
    assert memory.due(9, 0, 0, 9) == [("other", 2)]
    memory.bury("instance", 3)
    memory.take_deletions(3)
    memory.look(ORTHANC, 3, [], ())
    assert told(memory) == [(StudyDeleted, "P-1")]
    memory.close()
    Memory(path).close()  # of version 2 by now


def test_a_study_of_two_issuers_is_two_studies() -> None:
    study = {
        "ID": ORTHANC,
        "MainDicomTags": {"StudyInstanceUID": "1.2.3 ", "AccessionNumber": "ACC-1"},
        "PatientMainDicomTags": {"PatientID": "P-100", "PatientName": "Hong"},
    }
    series = [
        {"MainDicomTags": {"SeriesInstanceUID": uid, "Modality": "CT", "SeriesNumber": number}, "Instances": ["i"] * 2}
        for uid, number in (("1.2.3.2", "2"), ("1.2.3.1", "1"), ("1.2.3.9", ""))
    ]
    owners = {
        Patient("P-100", "A"): frozenset({"1.2.3.1", "1.2.3.2"}),
        Patient("P-100", "B"): frozenset({"1.2.3.9"}),
        Patient("P-100", "C"): frozenset(),
    }
    one, other = changed(study, series, owners)
    assert (one.issuer, [each.uid for each in one.series]) == ("A", ["1.2.3.1", "1.2.3.2"])
    assert (other.issuer, other.study, other.series[0]) == (
        "B",
        "1.2.3",
        a_series("1.2.3.9", number="", description="", body_part=""),
    )
