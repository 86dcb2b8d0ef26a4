"""What fails for now, and how often the same call is made."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import requests
from sqlalchemy.exc import IntegrityError, OperationalError

from neuronova.trying import Rule, again, is_passing, is_unreachable, met_another
from tests.patience import PATIENCE


class Failing:
    """Fails as often as it is told, then returns how often it was called."""

    def __init__(self, times: int, error: Exception) -> None:
        self.calls, self._times, self._error = 0, times, error

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self._times:
            raise self._error
        return self.calls


def rule(tries: float = 3, within: float = 60.0) -> Rule:
    return Rule(when=is_unreachable, tries=tries, within=within, first=0.5, longest=2.0)


def test_what_passes_is_tried_again() -> None:
    pauses: list[float] = []
    assert again(Failing(5, TimeoutError()), rule(tries=6), pauses.append) == 6
    least = [0.5, 1.0, 2.0, 2.0, 2.0]
    assert all(low <= pause <= min(low + 0.5, 2.0) for low, pause in zip(least, pauses, strict=True))


@pytest.mark.parametrize(
    ("of", "error", "calls"),
    [
        (rule(), TimeoutError("the last one"), 3),
        (rule(), ValueError("is no better later"), 1),
        (rule(within=0.0), TimeoutError("too late"), 1),
    ],
)
def test_what_it_said_last_is_raised(of: Rule, error: Exception, calls: int) -> None:
    failing = Failing(10, error)
    with pytest.raises(type(error), match=str(error)):
        again(failing, of, lambda _: None)
    assert failing.calls == calls


def test_who_waits_may_be_told_to_end() -> None:
    def ended(_: float) -> None:
        raise InterruptedError

    failing = Failing(1, TimeoutError())
    with pytest.raises(InterruptedError):
        again(failing, rule(), ended)
    assert failing.calls == 1


@pytest.mark.parametrize(
    ("status", "passing"),
    [(200, False), (302, False), (400, False), (404, False), (409, False), (422, False)]
    + [(one, True) for one in (408, 425, 429, 500, 502, 503, 504, 507)],
)
def test_which_answers_pass(status: int, passing: bool) -> None:
    assert is_passing(status) is passing


@pytest.mark.parametrize(
    ("error", "unreachable"),
    [
        (ConnectionRefusedError(), True),
        (requests.ReadTimeout(), True),
        (requests.exceptions.ChunkedEncodingError(), True),
        (requests.exceptions.InvalidURL(), False),
        (FileNotFoundError(), False),
    ],
)
def test_which_exceptions_say_that_nobody_answered(error: Exception, unreachable: bool) -> None:
    assert is_unreachable(error) is unreachable


@pytest.mark.parametrize(
    ("error", "met"),
    [
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.SerializationFailure(), True),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.AdminShutdown(), False),
    ],
)
def test_which_of_postgresqls_errors_are_of_two_that_met(error: psycopg.Error, met: bool) -> None:
    assert met_another(error) is met
    assert met_another(OperationalError("SELECT 1", None, error)) is met


def test_sqlite_says_it_after_its_patience(tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as writer,
        closing(sqlite3.connect(tmp_path / "db", isolation_level=None, timeout=0)) as other,
    ):
        writer.execute("CREATE TABLE one (number INTEGER UNIQUE)")
        writer.execute("INSERT INTO one VALUES (1)")
        with pytest.raises(sqlite3.IntegrityError) as twice:
            writer.execute("INSERT INTO one VALUES (1)")
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as busy:
            other.execute("BEGIN IMMEDIATE")
    assert met_another(OperationalError("BEGIN IMMEDIATE", None, busy.value))
    assert not met_another(IntegrityError("INSERT", None, twice.value))


def test_no_start_takes_the_time_to_load_the_library() -> None:
    loaded = "import cdss_api.app, cdss_api.worker, orthanc_plugins.install, sys; print('tenacity' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert done.stdout.split() == ["False"]
