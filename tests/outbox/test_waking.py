"""A worker is told of a message at once, and finds it by itself where it was not told."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from cdss_api.database import Database
from cdss_api.outbox import operations
from cdss_api.outbox.crew import Crew
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.listening import Alarms, Listen, listener
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.waking import LONGEST, OUTBOX, address, decoded, encoded
from neuronova.contract.settings import Settings
from tests.outbox.sending import OK, Receiver
from tests.server import until

_TARGET = "orthanc"  # the platform's own: what delivers to it is given
_LONG = 60.0  # seconds between two looks, longer than a test waits
_LISTENING = "FROM pg_stat_activity WHERE datname = current_database() AND query = :said"
_SAID = {"said": f'LISTEN "{OUTBOX.channel}"'}


@contextmanager
def crew(
    settings: Settings, database: Database, receiver: Receiver, listen: Listen | None, look: float
) -> Iterator[None]:
    made = Crew(
        database, settings.data, lambda: 1_000_000.0, "a", 30, own={_TARGET: receiver}, listen=listen, look=look
    )
    stop = threading.Event()
    thread = threading.Thread(target=made.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def write(database: Database, payload: str) -> int:
    with database.writing() as session:
        return enqueue(session, target=_TARGET, aggregate=payload, kind="k", payload=payload, now=1_000_000.0)


def require_arrival(receiver: Receiver, payload: str) -> None:
    until(lambda: payload in receiver.payloads, f"the arrival of {payload}")


def test_each_message_wakes_its_worker(settings: Settings, database: Database) -> None:
    receiver = Receiver()
    write(database, "first")
    with crew(settings, database, receiver, listener(database), _LONG):
        for payload in ("first", "second", "third"):
            if payload != "first":
                write(database, payload)
            require_arrival(receiver, payload)
    assert receiver.payloads == ["first", "second", "third"]


def test_a_message_of_which_nobody_was_told_is_found(settings: Settings, database: Database) -> None:
    receiver = Receiver()
    write(database, "first")
    with crew(settings, database, receiver, None, 0.1):
        require_arrival(receiver, "first")
        write(database, "second")
        require_arrival(receiver, "second")


def test_a_person_who_tries_again_wakes_the_worker(settings: Settings, database: Database) -> None:
    answers: list[Outcome] = [Outcome(Verdict.PERMANENT)]

    def answer(_delivery: Delivery) -> Outcome:
        return answers.pop() if answers else OK

    receiver = Receiver(answer)
    number = write(database, "first")
    with crew(settings, database, receiver, listener(database), _LONG):
        until(lambda: state(database, number) == "dead_letter", "the dead letter")
        with database.writing() as session:
            operations.retry(session, number, 1_000_000.0)
        until(lambda: state(database, number) == "completed", "the delivery")


def test_what_was_said_while_the_connection_was_lost_is_found(
    settings: Settings, database: Database, variables: dict[str, str]
) -> None:
    if "NEURONOVA_DATABASE_URL" not in variables:
        pytest.skip("SQLite has no connection to lose")
    receiver = Receiver()
    write(database, "first")
    with crew(settings, database, receiver, listener(database), _LONG):
        require_arrival(receiver, "first")
        for payload in ("second", "third"):
            until(lambda: ended(database) == 1, "the end of the one connection that listens")
            write(database, payload)
            require_arrival(receiver, payload)


def test_a_socket_is_for_its_owner_alone_however_long_its_path_is(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 120)
    folder.mkdir()
    stop, alarms = threading.Event(), Alarms()
    woken = alarms.of("emr")
    opened = Database(URL.create("sqlite", database=str(folder / "neuronova.db")))
    thread = threading.Thread(target=listener(opened), args=(alarms, stop))
    thread.start()
    try:
        assert woken.wait(60)  # it listens
        with address(folder) as at:
            assert stat.S_IMODE(Path(at).stat().st_mode) == 0o600
    finally:
        stop.set()
        thread.join()
        opened.close()
    assert list(folder.iterdir()) == []


def test_what_was_taken_back_wakes_nobody(settings: Settings, database: Database) -> None:
    stop, alarms = threading.Event(), Alarms()
    taken_back, written = alarms.of("taken-back"), alarms.of("written")
    thread = threading.Thread(target=listener(database), args=(alarms, stop))
    thread.start()
    try:
        assert taken_back.wait(60)  # it listens
        assert written.wait(60)
        taken_back.clear()
        written.clear()
        with pytest.raises(KeyError), database.writing() as session:
            enqueue(session, target="taken-back", aggregate="a", kind="k", payload="p", now=1.0)
            raise KeyError
        with database.writing() as session:
            enqueue(session, target="written", aggregate="a", kind="k", payload="p", now=1.0)
        assert written.wait(60)
        assert not taken_back.is_set()
    finally:
        stop.set()
        thread.join()


def test_a_wake_up_names_targets_or_means_all_of_them() -> None:
    assert decoded(encoded({"b", "a"})) == frozenset({"a", "b"})
    many = [f"subscription:{number:050}" for number in range(200)]
    assert len(encoded(many)) <= LONGEST
    assert decoded(encoded(many)) is None
    assert decoded(b"\xff") is None
    assert decoded(b'"emr"') is None


def ended(database: Database) -> int:
    """End the connections that listen, and return how many there were."""
    with database.writing() as session:
        return len(session.execute(text(f"SELECT pg_terminate_backend(pid) {_LISTENING}"), _SAID).all())


def state(database: Database, number: int) -> str:
    with database.reading() as session:
        return operations.show(session, number).state
