"""Leases that are renewed while their worker delivers: it never loses one, and of another kind of worker they end."""

from __future__ import annotations

import signal
import time

from sqlalchemy import select

from cdss_api.database import Database
from cdss_api.outbox.breaker_state import Breaker
from cdss_api.outbox.claiming import claim, renew
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.models import Stream
from cdss_api.outbox.renewing import Leases
from cdss_api.outbox.states import State
from cdss_api.outbox.verdicts import Outcome
from cdss_api.outbox.waits import Policy
from tests.outbox.receiver import inbox
from tests.outbox.sending import DOWN, OK, Bench, Receiver
from tests.outbox.test_killing import posting, reaching
from tests.server import until

QUICK = Policy(renewal=0.05)


def visible_at(bench: Bench) -> float | None:
    with bench.database.reading() as session:
        return session.scalar(select(Stream.visible_at))


def slow(bench: Bench, others: list[int]) -> Outcome:
    """Take two and a half leases over a delivery, while another worker looks for something to do."""
    for _ in range(5):
        bench.now += bench.policy.lease / 2
        until(lambda: visible_at(bench) == bench.now + bench.policy.lease, "the renewal")
        others.append(bench.work(bench.worker(Receiver())))
    return OK


def test_a_delivery_that_takes_longer_than_its_lease_is_delivered_once(bench: Bench) -> None:
    bench.policy = QUICK
    number = bench.write("m")
    others: list[int] = []
    bench.receiver.answer = lambda _: slow(bench, others)
    assert bench.worker().step() == 1
    assert others == [0] * 5
    assert (bench.shown(number).state, bench.shown(number).attempts) == (State.COMPLETED, 1)
    assert bench.receiver.payloads == ["m"]


def test_a_probe_that_takes_longer_than_its_lease_stays_the_only_one(bench: Bench) -> None:
    bench.policy = QUICK
    for number in range(6):
        bench.write(str(number), aggregate=str(number))
    bench.receiver.answer = lambda _: DOWN
    bench.work()
    bench.now += 10
    others: list[int] = []

    def probed(_: Delivery) -> Outcome:
        for _turn in range(5):
            bench.now += bench.policy.lease / 2
            until(lambda: bench.breaker().until == bench.now + bench.policy.lease, "the renewal")
            assert bench.breaker().breaker == Breaker.HALF_OPEN
            others.append(bench.work(bench.worker(Receiver())))
        return OK

    bench.receiver.answer = probed
    assert bench.worker().step() == 1
    assert others == [0] * 5
    assert bench.breaker().breaker == Breaker.CLOSED


def test_a_lease_that_another_worker_has_is_not_renewed(bench: Bench) -> None:
    bench.write("m")
    with bench.database.writing() as session:
        late = claim(session, "emr", bench.now, bench.policy, 50)
    leases = Leases(bench.database, late, lambda: bench.now, Policy(longest_batch=1e6))
    assert leases.stands(late[0])
    bench.now += bench.policy.lease
    assert not leases.stands(late[0])
    with bench.database.writing() as session:
        (ours,) = claim(session, "emr", bench.now, bench.policy, 50)
    leases.renew()
    assert visible_at(bench) == ours.until
    bench.now -= 1  # what it holds by its own clock is of no account once it knows
    assert not leases.stands(late[0])
    with bench.database.writing() as session:
        assert renew(session, late, bench.now) == ([], [ours.stream])
        assert renew(session, [ours], bench.now) == ([ours.stream], [])


def test_the_lease_of_a_delivery_that_hangs_ends(bench: Bench) -> None:
    bench.write("m")
    with bench.database.writing() as session:
        claims = claim(session, "emr", bench.now, bench.policy, 50)
    leases = Leases(bench.database, claims, lambda: bench.now, bench.policy)
    bench.now += bench.policy.longest_batch + bench.policy.longest_delivery
    leases.renew()
    last = visible_at(bench)
    assert last == bench.now + bench.policy.lease
    bench.now += 1
    leases.renew()
    assert visible_at(bench) == last


def test_of_a_worker_that_is_stopped_another_takes_over_and_the_late_one_changes_nothing(
    database: Database, variables: dict[str, str]
) -> None:
    bench = Bench(database, now=time.time())
    numbers = [bench.write(payload) for payload in ("a", "b", "c")]
    lease = 2.0

    def worked() -> int:
        bench.now = time.time()
        return bench.work(posting(bench, receiver))

    with inbox() as receiver, reaching(variables, receiver, "before send", lease=lease) as process:
        time.sleep(2 * lease)
        assert worked() == 0  # it lives, and has not lost its lease
        process.send_signal(signal.SIGSTOP)
        until(lambda: worked() == 3, "another worker's turn")
        before = [bench.shown(number) for number in numbers]
        process.send_signal(signal.SIGCONT)
        out, _ = process.communicate("\n")
        assert out == "settled\n"
        # It was about to send the first one, and begins no other.
        assert list(receiver.arrivals.values()) == [2, 1, 1]
        assert receiver.effects == ["a", "b", "c"]
    assert [bench.shown(number) for number in numbers] == before
    assert {(one.state, one.attempts) for one in before} <= {(State.COMPLETED, 1), (State.COMPLETED, 2)}
