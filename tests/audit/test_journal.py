"""The audit journal: what `append` returned is there, in order, and nothing else writes."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from neuronova.audit.files import JournalFailed, JournalInUse
from neuronova.audit.journal import AuditJournal
from neuronova.contract.audit import genesis, link
from tests.audit.events import event, records


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[AuditJournal]:
    journal = AuditJournal(tmp_path / "orthanc.db", "orthanc")
    yield journal
    journal.close()


def test_records_are_chained_from_the_genesis_on(journal: AuditJournal) -> None:
    assert journal.append(event(0), event(1)) == [1, 2]
    assert journal.append(event(2)) == [3]
    assert journal.append() == []
    expected, previous = [], genesis("orthanc", journal.id)
    for number in range(3):
        expected.append(link("orthanc", number + 1, previous, event(number)))
        previous = expected[-1].hash
    assert records(journal.path) == expected


def test_goes_on_where_it_ended(journal: AuditJournal) -> None:
    journal.append(event(0))
    journal.close()
    again = AuditJournal(journal.path, "orthanc")
    assert again.append(event(1)) == [2]
    assert again.id == journal.id
    again.close()
    assert [record.sequence for record in records(journal.path)] == [1, 2]


def test_threads_share_commits_and_leave_no_gap(journal: AuditJournal) -> None:
    began = threading.Barrier(16)

    def appends(thread: int) -> list[int]:
        began.wait()
        return [one for number in range(40) for one in journal.append(event(number, subject=f"{thread}"))]

    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(appends, range(16)))
    assert sorted(itertools.chain(*told)) == list(range(1, 641))
    assert all(numbers == sorted(numbers) for numbers in told)
    by_sequence = {record.sequence: record.event for record in records(journal.path)}
    for thread, numbers in enumerate(told):
        assert [by_sequence[one] for one in numbers] == [event(n, subject=f"{thread}") for n in range(40)]


def test_a_second_writer_is_refused(journal: AuditJournal) -> None:
    with pytest.raises(JournalInUse):
        AuditJournal(journal.path, "orthanc", patience=0.1)
    journal.close()
    AuditJournal(journal.path, "orthanc").close()


def test_a_restart_waits_for_the_process_before(journal: AuditJournal) -> None:
    timer = threading.Timer(0.2, journal.close)
    timer.start()
    AuditJournal(journal.path, "orthanc", patience=10).close()
    timer.join()


def test_another_writers_journal_is_refused(journal: AuditJournal) -> None:
    journal.close()
    with pytest.raises(JournalFailed, match="of orthanc, not of api"):
        AuditJournal(journal.path, "api")


def test_a_closed_journal_takes_nothing(journal: AuditJournal) -> None:
    journal.close()
    with pytest.raises(JournalFailed, match="closed"):
        journal.append(event())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET hash = ''",
        "DELETE FROM record",
        "UPDATE journal SET writer = 'x'",
        "DELETE FROM journal",
        "INSERT OR REPLACE INTO record (sequence, previous, hash, event) VALUES (1, '', '', '{}')",
    ],
)
def test_sqlite_refuses_changes(journal: AuditJournal, statement: str) -> None:
    journal.append(event())
    other = sqlite3.connect(journal.path, isolation_level=None)
    other.execute("PRAGMA recursive_triggers = ON")  # without it, REPLACE deletes past the triggers
    with pytest.raises(sqlite3.IntegrityError, match=r"not|keeps"):
        other.execute(statement)
    other.close()


def test_a_file_that_was_taken_away_is_noticed(journal: AuditJournal, tmp_path: Path) -> None:
    journal.append(event(0))
    moved = [file.rename(tmp_path / f"moved-{file.name}") for file in tmp_path.glob("orthanc.db*")]
    for number in (1, 2):
        with pytest.raises(JournalFailed):
            journal.append(event(number))
    for file in moved:
        file.rename(tmp_path / file.name.removeprefix("moved-"))
    assert journal.append(event(3)) == [2]


def test_a_file_that_was_exchanged_is_noticed(journal: AuditJournal, tmp_path: Path) -> None:
    other = AuditJournal(tmp_path / "other.db", "orthanc")
    other.close()
    for file in tmp_path.glob("orthanc.db*"):
        file.unlink()
    other.path.rename(journal.path)
    for _ in range(2):
        with pytest.raises(JournalFailed, match=r"replaced|another journal"):
            journal.append(event())


def test_the_file_is_its_owners_alone(journal: AuditJournal) -> None:
    journal.append(event())
    assert {file.stat().st_mode & 0o777 for file in journal.path.parent.glob("orthanc*")} == {0o600}
