"""Verification: whatever is done to a stored record is found, and the first one named."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuronova.audit.checkpoints import make_checkpoint, read_checkpoints
from neuronova.audit.diagnosis import Damage, Fault
from neuronova.audit.journal import AuditJournal
from neuronova.audit.signing import BadKey, Signer, read_keys, signer_of
from neuronova.audit.trail import Trail
from neuronova.audit.verify import ChainReport, records_to_verify, verify
from neuronova.contract.audit import chained, digest, event_bytes
from tests.audit.events import NOON, event, filled, spoilt, unguarded

COUNT = 30
ANCHORS = (12, 24)  # where the checkpoints lie


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Trail:
    """Two chains with two joint checkpoints, and records behind the second."""
    trail = Trail(tmp_path_factory.mktemp("data"))
    writers = {name: AuditJournal(trail.journal(name), name) for name in ("api", "orthanc")}
    for number in range(COUNT):
        for journal in writers.values():
            journal.append(event(number))
        if number + 1 in ANCHORS:
            checkpoint(trail, NOON + number)
    for journal in writers.values():
        journal.close()
    return trail


@pytest.fixture
def trail(made: Trail, tmp_path: Path) -> Trail:
    return Trail(shutil.copytree(made.data, tmp_path / "data"))


def checkpoint(trail: Trail, now: float = NOON) -> None:
    make_checkpoint(trail.journals(), trail.checkpoints, signer(trail), now)


def signer(trail: Trail) -> Signer:
    return signer_of(trail.keys)


def chain(trail: Trail, writer: str = "orthanc") -> ChainReport:
    report = verify(trail, signer(trail).keys)
    assert report.sound == (not report.faults and not any(one.fault for one in report.chains))
    assert all(one.fault is None for one in report.chains if one.writer != writer)
    return next(one for one in report.chains if one.writer == writer)


@contextmanager
def falsified(made: Trail) -> Iterator[tuple[Trail, sqlite3.Connection]]:
    """Give a copy of the trail and one of its journals, for an example of hypothesis."""
    with tempfile.TemporaryDirectory() as folder:
        trail = Trail(shutil.copytree(made.data, Path(folder) / "data"))
        db = sqlite3.connect(trail.journal("orthanc"), isolation_level=None)
        db.execute("PRAGMA synchronous = OFF")
        schema = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in schema:
            db.execute(f"DROP TRIGGER {name}")
        yield trail, db
        db.close()


def restored(trail: Trail, db: sqlite3.Connection) -> Fault:
    """Put the triggers back, as a careful falsifier does, and return what is found."""
    from neuronova.audit.tables import SCHEMA

    for statement in SCHEMA:
        if "TRIGGER" in statement:
            db.execute(statement)
    fault = chain(trail).fault
    assert fault is not None
    return fault


NUMBERS = st.integers(1, COUNT)
examples = settings(max_examples=25, deadline=None, derandomize=True)


def test_a_whole_trail_is_sound(trail: Trail) -> None:
    done: list[int] = []
    report = verify(trail, signer(trail).keys, done.append)
    assert report.sound
    assert [(one.writer, one.verified, one.after) for one in report.chains] == [("api", 30, 6), ("orthanc", 30, 6)]
    assert report.checkpoint is not None
    assert report.checkpoint.number == 2
    assert records_to_verify(trail) == 60


@examples
@given(number=NUMBERS, column=st.sampled_from(["event", "hash", "previous"]))
def test_a_changed_column_names_its_record(made: Trail, number: int, column: str) -> None:
    new = {"event": event_bytes(event(99)).decode()}.get(column, "0" * 64)
    with falsified(made) as (trail, db):
        db.execute(f"UPDATE record SET {column} = ? WHERE sequence = ?", (new, number))
        assert restored(trail, db) == Fault(damage=Damage.CHANGED, first=number, last=number)


@examples
@given(number=NUMBERS.filter(lambda number: number < COUNT))
def test_a_changed_record_with_its_hash_made_anew_is_named(made: Trail, number: int) -> None:
    with falsified(made) as (trail, db):
        forge(db, number)
        fault = restored(trail, db)
        if number in ANCHORS:
            assert fault == Fault(damage=Damage.REWRITTEN, first=number - 11, last=number)
        else:
            assert fault == Fault(damage=Damage.CHANGED, first=number, last=number)


@examples
@given(number=st.integers(1, ANCHORS[-1]))
def test_all_hashes_made_anew_contradict_the_next_checkpoint(made: Trail, number: int) -> None:
    with falsified(made) as (trail, db):
        forge(db, number, to=COUNT)
        fault = restored(trail, db)
    begin, end = (1, 12) if number <= 12 else (13, 24)
    assert fault == Fault(damage=Damage.REWRITTEN, first=begin, last=end)


@examples
@given(first=NUMBERS, length=st.integers(1, 5))
def test_deleted_records_are_named(made: Trail, first: int, length: int) -> None:
    last = min(first + length - 1, COUNT)
    with falsified(made) as (trail, db):
        db.execute("DELETE FROM record WHERE sequence BETWEEN ? AND ?", (first, last))
        if last == COUNT and first > ANCHORS[-1]:  # behind the last checkpoint nobody knows how many there were
            db.execute("DELETE FROM record WHERE sequence > 20")
            first, last = 21, 24
        fault = restored(trail, db)
    assert fault == Fault(damage=Damage.MISSING, first=first, last=min(last, 24) if last == COUNT else last)


@examples
@given(number=st.integers(1, COUNT - 1))
def test_a_gap_that_was_closed_is_named(made: Trail, number: int) -> None:
    with falsified(made) as (trail, db):
        db.execute("DELETE FROM record WHERE sequence = ?", (number,))
        db.execute("UPDATE record SET sequence = -sequence WHERE sequence > ?", (number,))
        db.execute("UPDATE record SET sequence = -sequence - 1 WHERE sequence < 0")
        assert restored(trail, db) == Fault(damage=Damage.MISSING, first=number, last=number)


@examples
@given(pair=st.lists(NUMBERS, min_size=2, max_size=2, unique=True).map(sorted))
def test_exchanged_records_are_named(made: Trail, pair: list[int]) -> None:
    one, other = pair
    with falsified(made) as (trail, db):
        for old, new in ((one, -1), (other, one), (-1, other)):
            db.execute("UPDATE record SET sequence = ? WHERE sequence = ?", (new, old))
        fault = restored(trail, db)
    assert fault.first == one
    if other == one + 1:  # also how it looks when a record was removed and the gap closed
        assert fault.damage == Damage.MISSING
    elif other < COUNT:
        assert fault == Fault(damage=Damage.MOVED, first=one, last=other)


@examples
@given(number=NUMBERS)
def test_an_inserted_record_is_named(made: Trail, number: int) -> None:
    with falsified(made) as (trail, db):
        db.execute("UPDATE record SET sequence = -sequence WHERE sequence >= ?", (number,))
        db.execute("UPDATE record SET sequence = -sequence + 1 WHERE sequence < 0")
        insert(db, number, "0" * 64, "0" * 64)
        assert restored(trail, db) == Fault(damage=Damage.CHANGED, first=number, last=number)


def forge(db: sqlite3.Connection, number: int, to: int | None = None) -> None:
    """Change one record and make the hashes anew: its own, or all as far as `to`."""
    previous = ""
    for sequence in range(number, (to or number) + 1):
        old, text = db.execute("SELECT previous, event FROM record WHERE sequence = ?", (sequence,)).fetchone()
        previous = previous or old
        stored = event_bytes(event(99)) if sequence == number else text.encode()
        its_hash = chained("orthanc", sequence, previous, digest(stored))
        db.execute(
            "UPDATE record SET previous = ?, hash = ?, event = ? WHERE sequence = ?",
            (previous, its_hash, stored.decode(), sequence),
        )
        previous = its_hash


def insert(db: sqlite3.Connection, number: int, previous: str, its_hash: str) -> None:
    db.execute(
        "INSERT INTO record (sequence, previous, hash, event) VALUES (?, ?, ?, ?)",
        (number, previous, its_hash, event_bytes(event(99)).decode()),
    )


@pytest.mark.parametrize("number", [0, -5])
def test_a_record_before_the_first_is_named(trail: Trail, number: int) -> None:
    db = sqlite3.connect(trail.journal("orthanc"), isolation_level=None)
    insert(db, number, "x", "x")
    db.close()
    assert chain(trail).fault == Fault(damage=Damage.ADDED, first=number, last=0)


def test_a_journal_of_the_same_writer_in_its_place_is_noticed(trail: Trail) -> None:
    remove(trail, "orthanc")
    AuditJournal(trail.journal("orthanc"), "orthanc").close()
    fault = chain(trail).fault
    assert fault is not None
    assert fault.damage == Damage.EXCHANGED


def test_another_writers_journal_in_its_place_is_noticed(trail: Trail) -> None:
    remove(trail, "orthanc")
    shutil.copy(trail.journal("api"), trail.journal("orthanc"))
    fault = chain(trail).fault
    assert fault is not None
    assert fault.damage == Damage.EXCHANGED


def test_a_removed_file_is_noticed(trail: Trail) -> None:
    remove(trail, "orthanc")
    assert chain(trail).fault == Fault(damage=Damage.GONE, first=1, last=24)


def test_an_older_copy_of_the_file_is_noticed(trail: Trail, tmp_path: Path) -> None:
    older = shutil.copy(trail.journal("orthanc"), tmp_path / "older.db")
    journal = AuditJournal(trail.journal("orthanc"), "orthanc")
    journal.append(event(), event())
    journal.close()
    checkpoint(trail)
    remove(trail, "orthanc")
    shutil.move(older, trail.journal("orthanc"))
    assert chain(trail).fault == Fault(damage=Damage.MISSING, first=31, last=32)


@pytest.mark.parametrize("size", [0, 5000, 40000])
def test_a_damaged_file_is_noticed(trail: Trail, size: int) -> None:
    path = trail.journal("orthanc")
    path.write_bytes(path.read_bytes()[:size])
    assert chain(trail).fault is not None


def test_removed_triggers_are_noticed(trail: Trail) -> None:
    unguarded(trail.journal("orthanc")).close()
    fault = chain(trail).fault
    assert fault is not None
    assert fault.damage == Damage.TABLES


def edit(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(change(file.read_bytes()))


@pytest.mark.parametrize(
    ("name", "harm", "said"),
    [
        ("00000001", Path.unlink, "checkpoint 1 is missing"),
        ("00000001", edit(lambda data: data.replace(b'"sequence":12', b'"sequence":11')), "signature is wrong"),
        ("00000002", edit(lambda data: data[:-20]), "checkpoint 2 does not count"),
        ("00000002", edit(lambda _: b"[]"), "checkpoint 2 does not count"),
        ("00000002", lambda file: file.rename(file.with_stem("00000007")), "checkpoints 2 to 6 are missing"),
    ],
)
def test_harm_to_checkpoints_is_noticed(trail: Trail, name: str, harm: Callable[[Path], object], said: str) -> None:
    harm(trail.checkpoints / f"{name}.json")
    report = verify(trail, signer(trail).keys)
    assert not report.sound
    assert said in " ".join(report.faults)


def test_a_checkpoint_of_another_key_does_not_count(trail: Trail, tmp_path: Path) -> None:
    report = verify(trail, signer_of(tmp_path / "other").keys)
    assert len(report.faults) == 2
    assert report.checkpoint is None
    assert read_keys(trail.keys / "key.pub").keys() == signer(trail).keys.keys()


def test_a_checkpoint_is_made_only_where_something_was_recorded(trail: Trail) -> None:
    checkpoint(trail)
    checkpoint(trail)
    read = read_checkpoints(trail.checkpoints, signer(trail).keys)
    assert [one.number for one in read.valid] == [1, 2, 3]
    assert [[tip.sequence for tip in one.tips] for one in read.valid] == [[12, 12], [24, 24], [30, 30]]
    assert read.valid[2].previous == read.valid[1].digest


def test_keys_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    keys = tmp_path / "keys" / "audit"
    assert signer_of(keys).key_id == signer_of(keys).key_id
    assert (keys / "key.pem").stat().st_mode & 0o777 == 0o600
    (keys / "key.pem").write_text("no key")
    with pytest.raises(BadKey):
        signer_of(keys)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(damage=Damage.CHANGED, first=5, last=5), "record 5 is not what was written"),
        (Fault(damage=Damage.MISSING, first=5, last=5), "record 5 is missing"),
        (Fault(damage=Damage.MISSING, first=5, last=7), "records 5 to 7 are missing"),
        (Fault(damage=Damage.MOVED, first=5, last=7), "in place of record 5 stands record 7"),
    ],
)
def test_faults_are_told_in_words(fault: Fault, said: str) -> None:
    assert str(fault) == said


def remove(trail: Trail, writer: str) -> None:
    for file in trail.folder.glob(f"{writer}.db*"):
        file.unlink()


def test_a_journal_that_cannot_be_read_keeps_no_checkpoint_from_being_made(tmp_path: Path) -> None:
    trail = Trail(tmp_path / "data")
    filled(trail.journal("api"), "api", 3)
    spoilt(filled(trail.journal("orthanc"), "orthanc", 500))
    made = make_checkpoint(trail.journals(), trail.checkpoints, signer_of(trail.keys), NOON)
    assert [tip.writer for tip in made.tips] == ["api"]
