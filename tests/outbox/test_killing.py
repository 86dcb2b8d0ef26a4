"""Workers in processes of their own, killed and stopped at the worst moments, before a receiver over HTTP."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cdss_api.database import Database
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.states import State
from cdss_api.outbox.verdicts import Outcome
from cdss_api.outbox.waits import Policy
from cdss_api.outbox.worker import Worker
from neuronova.platform.layout import REPOSITORY
from tests.outbox.receiver import Inbox, inbox, post
from tests.outbox.sending import Bench


@contextmanager
def reaching(
    variables: dict[str, str], receiver: Inbox, point: str, lease: float = Policy().lease
) -> Iterator[subprocess.Popen[str]]:
    """Run a worker until it is at `point`; it is killed at the end at the latest."""
    program = [sys.executable, "-m", "tests.outbox.child", json.dumps(variables), receiver.url, point, str(lease)]
    with subprocess.Popen(program, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"{point}\n"
            yield process
        finally:
            process.kill()


def posting(bench: Bench, receiver: Inbox) -> Worker:
    def deliver(delivery: Delivery, /, *, renew: bool) -> Outcome:
        return post(receiver.url, delivery)

    return Worker(bench.database, deliver, lambda: bench.now, lambda: 0.0, bench.policy)


def written(bench: Bench) -> list[int]:
    return [bench.write(str(number), aggregate=str(number % 3)) for number in range(9)]


def require_each_once_and_in_order(receiver: Inbox) -> None:
    assert sorted(receiver.effects) == [str(number) for number in range(9)]
    for aggregate in range(3):
        taken = [int(payload) for payload in receiver.effects if int(payload) % 3 == aggregate]
        assert taken == sorted(taken)


@pytest.mark.parametrize(("point", "sent"), [("before send", 0), ("after send", 1), ("before commit", 9)])
def test_a_worker_that_is_killed_loses_nothing_and_repeats_nothing(
    database: Database, variables: dict[str, str], point: str, sent: int
) -> None:
    bench = Bench(database, now=time.time())
    numbers = written(bench)
    with inbox() as receiver:
        with reaching(variables, receiver, point) as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert len(receiver.effects) == sent
        assert set(bench.states(numbers)) == {State.PROCESSING}
        assert {bench.shown(number).attempts for number in numbers} == {1}
        bench.now = time.time()
        assert bench.work(posting(bench, receiver)) == 0  # the lease still holds
        bench.now += bench.policy.lease
        bench.work(posting(bench, receiver))
        require_each_once_and_in_order(receiver)
        assert sum(receiver.arrivals.values()) == 9 + sent
    assert set(bench.states(numbers)) == {State.COMPLETED}


def test_a_writer_that_is_killed_before_its_commit_wrote_nothing(database: Database, variables: dict[str, str]) -> None:
    bench = Bench(database, now=time.time())
    with inbox() as receiver:
        with reaching(variables, receiver, "enqueued") as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
        bench.write("born")
        bench.now = time.time()
        bench.work(posting(bench, receiver))
        assert receiver.effects == ["born"]


def test_a_worker_that_is_stopped_past_its_lease_overwrites_nothing(
    database: Database, variables: dict[str, str]
) -> None:
    bench = Bench(database, now=time.time())
    number = bench.write("m")
    with inbox() as receiver, reaching(variables, receiver, "after send") as process:
        process.send_signal(signal.SIGSTOP)
        bench.now = time.time() + bench.policy.lease
        assert bench.work(posting(bench, receiver)) == 1
        before = bench.shown(number)
        process.send_signal(signal.SIGCONT)
        out, _ = process.communicate("\n")
        assert out == "settled\n"
        assert receiver.effects == ["m"]
    assert bench.shown(number) == before
    assert (before.state, before.attempts, before.parked) == (State.COMPLETED, 2, False)


def test_a_receiver_that_drops_its_answers_takes_each_message_once(database: Database) -> None:
    bench = Bench(database)
    numbers = written(bench)
    with inbox(drops=2) as receiver:
        worker = posting(bench, receiver)
        for _ in range(200):
            bench.work(worker)
            bench.now += 5
        require_each_once_and_in_order(receiver)
        assert set(receiver.arrivals.values()) == {3}
    assert set(bench.states(numbers)) == {State.COMPLETED}
