"""A target's breaker: outages pause, and bury nothing."""

from __future__ import annotations

from cdss_api.outbox.claiming import claim
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.states import State
from cdss_api.outbox.verdicts import Outcome, Verdict
from tests.outbox.sending import DOWN, OK, Bench, always, failing


def test_an_outage_pauses_behind_the_breaker_and_buries_nothing(bench: Bench) -> None:
    numbers = [bench.write(str(number), aggregate=str(number % 20)) for number in range(40)]
    # It fails twice and works in between, so that what it fails for later cannot be told by that alone.
    for verdict in (Verdict.TARGET_DOWN, Verdict.TRANSIENT, Verdict.TARGET_DOWN):
        bench.receiver.answer = always(verdict)
        bench.worker(batch=1).step()
        bench.now += 5
    bench.receiver.attempts.clear()
    bench.receiver.answer = lambda _: DOWN
    bench.pass_(2 * 3600, step=20)
    assert set(bench.states(numbers)) <= {State.PENDING, State.FAILED}
    # One is spent by what was a message's own failure, one by the message that failed before and after the target
    # had worked; two hours of outage spend none.
    assert sorted(bench.shown(number).attempts for number in numbers)[-3:] == [0, 1, 1]
    # Five, then probes after pauses that grow to 300 seconds.
    assert 5 + 6 + 20 < len(bench.receiver.attempts) < 5 + 6 + 26
    # Not one message alone probes: what the target chokes on would keep it shut for the others.
    assert len(bench.receiver.tries()) == 20
    bench.receiver.answer = lambda _: OK
    bench.pass_(320, step=20)
    assert set(bench.states(numbers)) == {State.COMPLETED}
    assert bench.breaker().breaker == "closed"


def test_the_breaker_opens_probes_once_and_its_pauses_grow(bench: Bench) -> None:
    bench.receiver.answer = lambda _: DOWN
    for number in range(60):
        bench.write("m", aggregate=str(number))
    assert bench.work() == 5
    for pause in (5, 10, 20):
        assert (bench.breaker().breaker, bench.breaker().until) == ("open", bench.now + pause)
        bench.now += pause - 0.1
        assert bench.work() == 0
        bench.now += 0.1
        assert bench.work() == 1
    bench.now += 40
    bench.receiver.answer = lambda _: OK
    assert bench.worker().step() == 1
    assert bench.breaker().breaker == "closed"
    assert bench.worker().step() == 50


def test_one_worker_probes_and_another_takes_over_from_a_dead_one(bench: Bench) -> None:
    bench.receiver.answer = lambda _: DOWN
    for number in range(10):
        bench.write("m", aggregate=str(number))
    bench.work()
    bench.now += 5
    with bench.database.writing() as session:
        assert len(claim(session, "emr", bench.now, bench.policy, 50)) == 1  # and its worker dies
    assert bench.breaker().breaker == "half_open"
    assert bench.work() == 0
    bench.now += bench.policy.lease
    bench.receiver.answer = lambda _: OK
    assert bench.work() == 10


def test_any_answer_closes_the_breaker_even_a_refusal(bench: Bench) -> None:
    bench.receiver.answer = lambda _: DOWN
    for number in range(6):
        bench.write("m", aggregate=str(number))
    bench.work()
    bench.now += 5
    bench.receiver.answer = lambda _: Outcome(Verdict.PERMANENT)
    bench.work()
    assert bench.breaker().breaker == "closed"


def test_one_targets_outage_is_not_anothers(bench: Bench) -> None:
    bench.receiver.answer = lambda delivery: DOWN if delivery.target == "emr" else OK
    for number in range(10):
        bench.write("m", aggregate=str(number))
        bench.write("m", aggregate=str(number), target="archive")
    bench.work()
    assert bench.counts()["completed"] == 10


def test_a_target_that_names_its_wait_is_left_alone_so_long(bench: Bench) -> None:
    bench.receiver.answer = lambda _: Outcome(Verdict.TARGET_DOWN, "HTTP 429", 30.0)
    numbers = [bench.write("m", aggregate=str(number)) for number in range(5)]
    assert bench.work() == 1
    bench.now += 29.9
    assert bench.work() == 0
    bench.now += 0.1
    bench.receiver.answer = lambda _: OK
    assert bench.work() == 5
    assert set(bench.states(numbers)) == {State.COMPLETED}


def test_what_only_one_message_brings_about_is_its_own_failure(bench: Bench) -> None:
    """A server that answers 500 to one message and takes the others: it ends as a dead letter, and they go on."""
    answer = failing("bad", verdict=Verdict.TARGET_DOWN)

    def answered(delivery: Delivery) -> Outcome:
        bench.now += 0.001
        return answer(delivery)

    bench.receiver.answer = answered
    bad = bench.write("bad")
    bench.work()
    for wait in (5, 60, 120, 240, 480):
        written = bench.write("other", aggregate="o")
        bench.work()
        assert bench.shown(written).state is State.COMPLETED
        bench.now += wait + 1
        bench.work()
    assert (bench.shown(bad).state, bench.shown(bad).attempts) == (State.DEAD_LETTER, 5)
    # The first time nothing tells whose failure it is.
    assert bench.receiver.tries()["bad"] == 6
    assert bench.breaker().breaker == "closed"
