"""An index that another process writes and locks: copies of it are of one moment, and the process goes on."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from neuronova.backup.holding import held
from neuronova.backup.index import copy_index
from neuronova.backup.sqlite_files import faults_of
from neuronova.platform.errors import PlatformError
from tests.server import until

HOLDER = """
import sys
from neuronova.backup.holding import held
with held(int(sys.argv[1]), 60):
    print("held", flush=True)
    input()
"""


class Writer:
    """The process, and how far it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        words = [sys.executable, "-m", "tests.backup.writing", str(path)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    def rows(self) -> int:
        """Return how many rows there are, once there are a hundred more."""
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path / "index")
    made.rows()
    yield made
    made.process.kill()
    made.process.communicate()


def is_stopped(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def rows_of(copy: Path) -> int:
    """Return how many transactions a copy has; it is of one moment."""
    assert faults_of(copy) == []
    with closing(sqlite3.connect(copy)) as db:
        ((one,),), ((two,),) = (db.execute(f"SELECT count(*) FROM {table}").fetchall() for table in ("one", "two"))
    assert one == two
    return int(one)


def test_sqlite_itself_may_not_read_it(writer: Writer) -> None:
    with closing(sqlite3.connect(writer.path, timeout=0)) as db, pytest.raises(sqlite3.OperationalError):
        db.execute("SELECT count(*) FROM one")


def test_copies_of_a_database_that_is_written_are_of_one_moment(writer: Writer, tmp_path: Path) -> None:
    copies = [tmp_path / f"copy-{number}" for number in range(12)]
    seconds = []
    for number, copy in enumerate(copies):
        seconds.append(copy_index(writer.path, copy, attempts=number % 2))
        writer.rows()
    counts = [rows_of(copy) for copy in copies]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    assert all(one > 0 for one in seconds[::2])  # those that were not given an attempt without it
    assert not list(tmp_path.glob("copy-*-*"))


def test_one_that_rests_is_copied_without_holding_anybody(writer: Writer, tmp_path: Path) -> None:
    os.kill(writer.process.pid, signal.SIGSTOP)
    try:
        until(lambda: is_stopped(writer.process.pid), "it rests")
        assert copy_index(writer.path, tmp_path / "copy") == 0
        assert rows_of(tmp_path / "copy") > 0
    finally:
        os.kill(writer.process.pid, signal.SIGCONT)


def test_one_that_nobody_has_open(writer: Writer, tmp_path: Path) -> None:
    writer.process.kill()
    writer.process.wait()
    assert copy_index(writer.path, tmp_path / "copy") == 0
    assert rows_of(tmp_path / "copy") > 0


def test_a_process_that_is_held_too_long_goes_on_and_the_copy_does_not_count(writer: Writer) -> None:
    with pytest.raises(PlatformError, match="within 0 s"), held(writer.process.pid, 0.05):
        until(lambda: not is_stopped(writer.process.pid), "it goes on")
    writer.rows()


def test_a_held_process_goes_on_when_whoever_holds_it_is_killed(writer: Writer) -> None:
    words = [sys.executable, "-c", HOLDER, str(writer.process.pid)]
    holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert is_stopped(writer.process.pid)
    holder.kill()
    holder.communicate()
    until(lambda: not is_stopped(writer.process.pid), "it goes on")
    writer.rows()


def test_no_index(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="started once"):
        copy_index(tmp_path / "index", tmp_path / "copy")
