"""Many writers and many workers, where the database lets them: any number on PostgreSQL, one worker on SQLite."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
from sqlalchemy import text

from cdss_api.database import Database
from cdss_api.outbox.claiming import claim
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.states import State
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.waits import Policy
from cdss_api.outbox.worker import Worker
from tests.outbox.sending import DOWN, OK, Bench
from tests.patience import PATIENCE
from tests.server import until

on_postgresql = pytest.mark.parametrize("variables", ["postgresql"], indirect=True)


def together(*tasks: Callable[[], None]) -> None:
    """Run all at the same time, and raise what one of them raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(tasks))

    def run(task: Callable[[], None]) -> None:
        try:
            barrier.wait()
            task()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Sink:
    """Refuses every fifth message once, and sees whether one stream is ever sent by two workers at a time."""

    def __init__(self) -> None:
        self.taken: dict[str, list[Delivery]] = defaultdict(list)
        self.tries: Counter[int] = Counter()
        self.count = 0
        self.collisions = 0
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        with self._lock:
            self._under_way[delivery.aggregate] += 1
            self.collisions += self._under_way[delivery.aggregate] > 1
            self.tries[delivery.number] += 1
            refused = delivery.number % 5 == 0 and self.tries[delivery.number] == 1
        time.sleep(0.0005)
        with self._lock:
            self._under_way[delivery.aggregate] -= 1
            if refused:
                return Outcome(Verdict.TRANSIENT)
            self.taken[delivery.aggregate].append(delivery)
            self.count += 1
            return OK


def test_order_is_kept_with_four_writers_whose_commits_cross(database: Database) -> None:
    each, sink, stop = 40, Sink(), threading.Event()
    quick = Policy(first_wait=0.02)

    def writer(name: int) -> Callable[[], None]:
        source = random.Random(name)

        def write() -> None:
            for number in range(each):
                with database.writing() as session:
                    aggregate, payload = str(source.randrange(3)), f"{name} {number}"
                    enqueue(session, target="emr", aggregate=aggregate, kind="k", payload=payload, now=time.time())
                    time.sleep(source.random() * 0.01)  # whoever draws a number later may well commit sooner

        return write

    def work() -> None:
        Worker(database, sink, time.time, random.random, quick, batch=20).run(stop, idle=0.005)

    workers = 1 if database.engine.dialect.name == "sqlite" else 3
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        together(*(writer(name) for name in range(4)))
        until(lambda: sink.count >= 4 * each, "all messages are taken")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert sink.collisions == 0
    for deliveries in sink.taken.values():
        numbers = [one.number for one in deliveries]
        assert numbers == sorted(set(numbers))
        for name in range(4):
            own = [int(one.payload.split()[1]) for one in deliveries if one.payload.startswith(f"{name} ")]
            assert own == sorted(own)
    assert max(sink.tries.values()) == 2
    assert sum(sink.tries.values()) == 4 * each + sum(number % 5 == 0 for number in sink.tries)
    assert Bench(database).counts() == {State.COMPLETED: 4 * each}


@on_postgresql
def test_a_number_is_drawn_when_the_stream_is_ours_and_not_before(database: Database) -> None:
    bench = Bench(database)
    bench.write("known")
    late: list[int] = []
    writer = threading.Thread(target=lambda: late.append(bench.write("late")))
    with database.writing() as first:
        enqueue(first, target="emr", aggregate="a", kind="k", payload="first", now=bench.now)
        writer.start()
        until(lambda: _waits_for_a_lock(database), "the other writer waits")
        second = enqueue(first, target="emr", aggregate="a", kind="k", payload="second", now=bench.now)
    writer.join()
    assert late[0] > second
    bench.work()
    assert bench.receiver.payloads == ["known", "first", "second", "late"]


def _waits_for_a_lock(database: Database) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with database.reading() as session:
        return bool(session.scalar(text(waiting)))


@on_postgresql
def test_several_workers_claim_nothing_twice(database: Database) -> None:
    bench = Bench(database)
    for number in range(200):
        bench.write("m", aggregate=str(number))
    claimed: list[int] = []

    def work() -> None:
        misses = 0
        while misses < 3:
            with database.writing() as session:
                found = claim(session, "emr", bench.now, bench.policy, 7)
            claimed.extend(delivery.number for one in found for delivery in one.deliveries)
            misses += not found  # all that is due may be locked by the others for a moment

    together(work, work, work, work)
    assert len(claimed) == len(set(claimed)) == 200


@on_postgresql
def test_several_workers_send_one_probe(database: Database) -> None:
    bench = Bench(database)
    bench.receiver.answer = lambda _: DOWN
    for number in range(20):
        bench.write("m", aggregate=str(number))
    bench.work()
    bench.now += 10
    probes: list[int] = []

    def work() -> None:
        with database.writing() as session:
            probes.append(len(claim(session, "emr", bench.now, bench.policy, 50)))

    together(work, work, work, work)
    assert sum(probes) == 1


@on_postgresql
def test_a_long_transaction_holds_up_its_own_aggregate_only(database: Database) -> None:
    bench = Bench(database)
    first, other = bench.write("first", aggregate="a"), bench.write("other", aggregate="b")
    worker = bench.worker()
    with database.writing() as long:

        def answer(delivery: Delivery) -> Outcome:
            if delivery.payload == "first":
                enqueue(long, target="emr", aggregate="a", kind="k", payload="second", now=bench.now)
            return OK

        bench.receiver.answer = answer
        worker.step()
        assert bench.states([first, other]) == [State.PROCESSING, State.COMPLETED]
        bench.write("third", aggregate="b")
        bench.work(worker)
        assert bench.receiver.payloads[2:] == ["third"]
    bench.work(worker)
    # What came of the first was kept until its stream was free: it is not sent again.
    assert bench.receiver.payloads == ["first", "other", "third", "second"]
    assert bench.counts() == {State.COMPLETED: 4}


@on_postgresql
def test_threads_send_several_streams_at_a_time(database: Database) -> None:
    bench = Bench(database)
    for number in range(8):
        bench.write("m", aggregate=str(number % 4))
    meeting = threading.Barrier(4, timeout=PATIENCE)
    firsts: set[str] = set()

    def answer(delivery: Delivery) -> Outcome:
        if delivery.aggregate not in firsts:
            firsts.add(delivery.aggregate)
            meeting.wait()  # breaks unless four are under way together
        return OK

    bench.receiver.answer = answer
    worker = bench.worker()
    worker.threads = 4
    assert bench.work(worker) == 8
    assert bench.counts() == {State.COMPLETED: 8}
