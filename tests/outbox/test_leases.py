"""Leases and fences: workers that die, hang or come late."""

from __future__ import annotations

import threading
import time

from cdss_api import worker
from cdss_api.outbox.breaker import Heard
from cdss_api.outbox.claiming import Claim, claim
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.settling import Report, settle
from cdss_api.outbox.states import State
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.waits import Policy
from neuronova.contract.settings import Settings
from tests.outbox.sending import OK, Bench, Receiver


def test_attempts_count_at_the_claim_so_what_kills_its_worker_is_buried(bench: Bench) -> None:
    """Nothing is ever settled: each claim's worker dies of the one message, and takes a batch with it."""
    bad = bench.write("bad", aggregate="x")
    behind = bench.write("behind", aggregate="x")
    others = [bench.write(str(number), aggregate=f"o{number}") for number in range(20)]
    deaths = 0
    for _ in range(100):
        with bench.database.writing() as session:
            claims = claim(session, "emr", bench.now, bench.policy, 50)
        sent = [delivery.number for one in claims for delivery in one.deliveries]
        if bad in sent:
            deaths += 1
            assert bench.shown(bad).attempts == deaths
        elif sent:
            _settle_as_sent(bench, claims)
        bench.now += bench.policy.lease
    assert deaths == 5
    assert (bench.shown(bad).state, bench.shown(bad).verdict) == (State.DEAD_LETTER, "worker_lost")
    assert bench.states([behind]) == [State.FAILED]  # claimed with it the first time, and since then behind it
    assert set(bench.states(others)) == {State.COMPLETED}
    assert max(bench.shown(number).attempts for number in others) == 2


def _settle_as_sent(bench: Bench, claims: list[Claim]) -> None:
    reports = [Report(one, tuple(Heard(OK, bench.now) for _ in one.deliveries)) for one in claims]
    with bench.database.writing() as session:
        settled = settle(session, "emr", reports, bench.now, bench.policy, lambda: 0.0)
    assert (settled.later, settled.lost) == ([], [])


def test_the_fence_keeps_a_late_worker_from_overwriting(bench: Bench) -> None:
    number = bench.write("m")
    late = Receiver()

    def overtaken(_: Delivery) -> Outcome:
        bench.now += bench.policy.lease
        bench.work()  # another worker claims it, sends it and settles it as it sees it
        return Outcome(Verdict.PERMANENT, "late")

    late.answer = overtaken
    bench.worker(late).step()
    assert len(bench.receiver.attempts) == 1
    shown = bench.shown(number)
    assert (shown.state, shown.attempts, shown.verdict, shown.parked) == (State.COMPLETED, 2, "ok", False)


def test_a_late_worker_that_nobody_overtook_still_settles(bench: Bench) -> None:
    number = bench.write("m")

    def slow(_: Delivery) -> Outcome:
        bench.now += 10 * bench.policy.lease
        return OK

    bench.receiver.answer = slow
    assert bench.work() == 1
    assert bench.shown(number).state is State.COMPLETED


def test_of_what_was_claimed_together_nothing_is_begun_that_waited_for_long(bench: Bench) -> None:
    bench.policy = Policy(lease=100, longest_batch=60)
    numbers = [bench.write("m", aggregate=str(number)) for number in range(5)]

    def slow(_: Delivery) -> Outcome:
        bench.now += 29
        return OK

    bench.receiver.answer = slow
    assert bench.worker().step() == 3
    assert bench.states(numbers) == [State.COMPLETED] * 3 + [State.PENDING] * 2
    assert [bench.shown(number).attempts for number in numbers] == [1, 1, 1, 0, 0]
    bench.work()
    assert bench.receiver.tries()["m"] == 5


def test_nothing_is_begun_after_its_lease(bench: Bench) -> None:
    numbers = [bench.write("m", aggregate=str(number)) for number in range(3)]

    def stopped(_: Delivery) -> Outcome:
        bench.now += bench.policy.lease
        return OK

    bench.receiver.answer = stopped
    assert bench.worker().step() == 1
    assert bench.states(numbers) == [State.COMPLETED] + [State.PENDING] * 2


def test_a_worker_that_is_stopped_as_it_waits_for_another_leaves_it_its_leases(
    bench: Bench, settings: Settings
) -> None:
    bench.now = time.time()
    bench.write("m")
    with bench.database.writing() as session:
        assert len(claim(session, "emr", bench.now, bench.policy, 50)) == 1
    stop = threading.Event()
    stop.set()
    worker.work(settings, stop)
    bench.now = time.time()
    assert bench.work() == 0
