"""A site's own Celery delivers the outbox: a real worker and its beat, over a real Redis, on PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cdss_api.database import Database
from cdss_api.health.checks import UnhealthyError, check_outbox
from cdss_api.outbox import configured_targets
from cdss_api.outbox.configured_targets import Wanted
from cdss_api.outbox.credentials import Credentials, new_signing_secret
from cdss_api.outbox.draining import Drains
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.heartbeats import CELERY, living
from cdss_api.outbox.operations import listed
from cdss_api.outbox.profiles import Kind
from cdss_api.outbox.verdicts import Outcome, Verdict
from neuronova.contract.settings import Settings
from neuronova.platform.layout import REPOSITORY
from tests.outbox.receiver import Inbox, inbox
from tests.patience import PATIENCE
from tests.running import ambient
from tests.server import free_ports, until
from tests.worker import worker

# On SQLite one process delivers, and it is the platform's own.
pytestmark = pytest.mark.parametrize("variables", ["postgresql"], indirect=True)

_PASSWORD = "a-word-that-no-log-tells"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis(tmp_path_factory.mktemp("redis")) as address:
        yield address


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis of Debian's package, with a password; give its address."""
    port = free_ports(1)[0]
    told = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "no")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["redis-server", *told, "--requirepass", _PASSWORD], stdout=log, stderr=log)
    try:
        until(lambda: answers(port), "Redis answers")
        yield f"redis://:{_PASSWORD}@127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"-NOAUTH"
    except OSError:
        return False


@contextmanager
def celery(variables: dict[str, str], folder: Path) -> Iterator[Path]:
    """Run a worker with its beat, in a group of processes of its own; give its log."""
    program = [sys.executable, "-m", "celery", "-A", "cdss_api.celery_app", "worker", "-B", "--concurrency", "2"]
    log = folder / "celery.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*program, "--loglevel", "INFO", "--schedule", str(folder / "schedule")],
            cwd=REPOSITORY,
            env=ambient() | variables,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield log
        process.terminate()
        assert process.wait(PATIENCE) == 0, log.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def add_sink(database: Database, settings: Settings, server: Inbox) -> None:
    wanted = Wanted(
        target="sink",
        profile=Kind.WEBHOOK,
        url=server.url,
        kinds=["Patient"],
        credentials=Credentials(signing_secret=new_signing_secret()),
    )
    with database.writing() as session:
        configured_targets.add(session, settings.data, wanted, time.time())


def write(database: Database, target: str, aggregate: str, text: str) -> None:
    payload = f'{{"resourceType":"Patient","id":"{text}"}}'
    with database.writing() as session:
        enqueue(session, target=target, aggregate=aggregate, kind="put", payload=payload, now=time.time())


def heard(database: Database) -> int:
    with database.reading() as session:
        return living(session, time.time(), CELERY)


def states(database: Database, target: str) -> list[tuple[str, int]]:
    with database.reading() as session:
        return [(one.state, one.attempts) for one in listed(session, target=target)]


def test_celery_delivers_in_order_what_the_platform_then_leaves_alone(
    settings: Settings, database: Database, variables: dict[str, str], broker: str, tmp_path: Path
) -> None:
    ours = variables | {"NEURONOVA_BROKER_URL": broker}
    with inbox() as server:
        add_sink(database, settings, server)
        write(database, "sink", "a", "a0")
        with worker(ours):
            # What is for this machine's Orthanc stays with the platform; this one is for nobody, and refused.
            write(database, "orthanc", "a", "odd")
            until(lambda: states(database, "orthanc") == [("dead_letter", 1)], "the platform's own delivery")
            assert states(database, "sink") == [("pending", 0)]
            with pytest.raises(UnhealthyError, match="no Celery worker"):
                check_outbox(database, time.time, celery=True)
            with celery(ours, tmp_path) as log:
                until(lambda: states(database, "sink") == [("completed", 1)], f"the first delivery; {log}")
                for number in range(1, 6):
                    for aggregate in "ab":
                        write(database, "sink", aggregate, f"{aggregate}{number}")
                until(lambda: states(database, "sink") == [("completed", 1)] * 11, f"the other ten; {log}")
                until(lambda: heard(database) == 1, "its sign of life")
                assert check_outbox(database, time.time, celery=True)["waiting"] == 0
    for aggregate, first in (("a", 0), ("b", 1)):
        taken = [one for one in server.effects if f'"id":"{aggregate}' in one.replace(" ", "")]
        assert [one[one.index(f'"{aggregate}') + 2] for one in taken] == [str(number) for number in range(first, 6)]
    assert set(server.arrivals.values()) == {1}
    assert _PASSWORD not in log.read_text()
    assert "neuronova.outbox.look" in log.read_text()


def test_a_target_is_drained_by_one_at_a_time(settings: Settings, database: Database) -> None:
    with inbox() as server:
        add_sink(database, settings, server)
        write(database, "sink", "a", "a0")
        drains = Drains(database, settings.data, time.time, {})
        assert drains.due() == ["sink"]
        with drains.alone("sink") as alone:
            assert alone
            assert drains.drain("sink") == 0
        assert drains.drain("sink") == 1
        assert drains.due() == []
        assert len(server.effects) == 1


def test_nothing_is_drained_that_is_paused_unknown_or_the_platforms_own(settings: Settings, database: Database) -> None:
    with inbox() as server:
        add_sink(database, settings, server)
        write(database, "sink", "a", "a0")
        write(database, "orthanc", "a", "a0")
        with database.writing() as session:
            configured_targets.pause(session, "sink", paused=True)
        drains = Drains(database, settings.data, time.time, {})
        assert drains.due() == []
        assert [drains.drain(one) for one in ("sink", "orthanc", "correction:1", "nobody")] == [0, 0, 0, 0]
        assert server.effects == []
    assert states(database, "sink") == states(database, "orthanc") == [("pending", 0)]


def test_of_a_process_that_is_stopped_another_takes_over_its_target(
    settings: Settings, database: Database, variables: dict[str, str]
) -> None:
    write(database, "inference", "a", "a0")
    lease = 2.0
    drains = Drains(database, settings.data, time.time, {"inference": lambda _, renew: Outcome(Verdict.OK)})
    program = [sys.executable, "-m", "tests.outbox.drainer", json.dumps(variables), str(lease)]
    with subprocess.Popen(program, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "delivering\n"
            time.sleep(2 * lease)
            with drains.alone("inference") as alone:
                assert not alone  # it lives
            other.send_signal(signal.SIGSTOP)
            until(lambda: drains.drain("inference") == 1, "another process' turn")
            other.send_signal(signal.SIGCONT)
            out, _ = other.communicate("\n")
            assert (out, other.returncode) == ("1\n", 0)
        finally:
            other.kill()
    assert states(database, "inference") == [("completed", 2)]
