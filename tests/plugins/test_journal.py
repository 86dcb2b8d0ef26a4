"""The journal: what is noted is done once, and nothing noted is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from orthanc_plugins.journal import Journal, Outcome, Work


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.db")


def encoded(instance: str, md5: str = "m") -> Outcome:
    return Outcome(instance=instance, md5=md5, status="encoded", syntaxes=("1.2", "1.3"))


def test_takes_the_oldest_first_and_each_once(journal: Journal) -> None:
    journal.note(["b"], 1)
    journal.note(["a"], 2)
    taken = [journal.take("worker", 3), journal.take("worker", 3), journal.take("worker", 3)]
    assert taken == [Work(instance="b", attempts=0), Work(instance="a", attempts=0), None]


def test_what_a_reader_waits_for_comes_first(journal: Journal) -> None:
    journal.note(["a", "b"], 1)
    assert journal.take("worker", 2, wanted_only=True) is None
    journal.hurry("b", 2)
    assert journal.take("worker", 3, wanted_only=True) == Work(instance="b", attempts=0)


def test_cursor_moves_only_from_where_the_reader_saw_it(journal: Journal) -> None:
    assert journal.take_in(0, 10, ["a"], 1)
    assert not journal.take_in(0, 12, ["b"], 1)
    assert journal.sequence() == 10
    assert journal.waiting() == (1, 1.0)


def test_an_instance_noted_while_it_is_encoded_is_looked_at_again(journal: Journal) -> None:
    journal.note(["a"], 1)
    journal.take("worker", 1)
    journal.note(["a"], 2)
    journal.finish(encoded("a"), now=3)
    assert journal.take("worker", 3) == Work(instance="a", attempts=0)
    journal.finish(encoded("a"), now=4)
    assert journal.take("worker", 5) is None


def test_put_back_work_waits_and_counts_its_tries(journal: Journal) -> None:
    journal.note(["a"], 1)
    journal.take("worker", 1)
    journal.put_back("a", not_before=10)
    assert journal.take("worker", 9) is None
    assert journal.take("worker", 10) == Work(instance="a", attempts=1)


def test_a_dead_workers_work_is_given_back_and_counts_as_a_try(journal: Journal) -> None:
    journal.note(["a", "b"], 1)
    journal.take("encode-0", 1)
    journal.take("encode-1", 1)
    journal.release("encode-0")
    assert journal.take("encode-0", 2) == Work(instance="a", attempts=1)
    assert journal.take("encode-0", 2) is None


def test_take_this_refuses_what_another_has(journal: Journal) -> None:
    assert journal.take_this("a", "lane-0", 1) == Work(instance="a", attempts=0)
    assert journal.take_this("a", "lane-1", 1) is None


def test_a_deletion_forgets_the_outcome_and_looks_again(journal: Journal) -> None:
    journal.finish(encoded("a"), now=1)
    journal.bury("a", 2)
    assert journal.syntaxes(["a"]) == {}
    assert journal.take("worker", 2.5) is None
    assert journal.take("worker", 3) == Work(instance="a", attempts=0)
    journal.drop("a", 3)
    assert journal.waiting() == (0, None)


def test_reconciliation_notes_what_is_missing_on_either_side(journal: Journal) -> None:
    for name in ("kept", "vanished"):
        journal.finish(encoded(name), now=1)
    journal.note(["waiting"], 1)
    assert journal.reconcile([["kept", "waiting"], ["unknown"]], 2) == 2
    taken = {work.instance for _ in range(4) if (work := journal.take("worker", 3)) is not None}
    assert taken == {"waiting", "unknown", "vanished"}


def test_syntaxes_of_many_instances(journal: Journal) -> None:
    names = [f"{number:04}" for number in range(1200)]
    for name in names[:-1]:
        journal.finish(encoded(name), now=1)
    found = journal.syntaxes(names)
    assert set(found) == set(names[:-1])
    assert found["0000"] == ("1.2", "1.3")


def test_touched_series_are_given_out_once(journal: Journal) -> None:
    journal.touch("s")
    journal.touch("s")
    assert [journal.take_touched(), journal.take_touched()] == ["s", None]


def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(RuntimeError, match="99"):
        Journal(path)


def test_a_journal_is_opened_while_another_writes(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    first = Journal(path)
    first.note(["a"], 1)
    with first.transaction():
        assert Journal(path).waiting() == (1, 1.0)
