"""One worker on both databases: atomicity, order, attempts, dead letters, the breaker and the operations."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import select, update

from cdss_api.accounts.models import Version
from cdss_api.database import Database
from cdss_api.outbox.breaker import Heard
from cdss_api.outbox.claiming import Claim, claim
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.operations import NoSuchMessage, NotNow, drop, listed, retry, show
from cdss_api.outbox.settling import Report, settle
from cdss_api.outbox.states import State
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.waits import Policy
from tests.outbox.sending import DOWN, OK, Answer, Bench, Receiver


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


def failing(*payloads: str, verdict: Verdict = Verdict.TRANSIENT) -> Answer:
    return lambda delivery: Outcome(verdict, "HTTP 4") if delivery.payload in payloads else OK


def test_a_message_and_its_change_are_one(bench: Bench) -> None:
    with pytest.raises(ZeroDivisionError), bench.database.writing() as session:
        session.execute(update(Version).values(version=1))
        enqueue(session, target="emr", aggregate="a", kind="k", payload="never", now=bench.now)
        raise ZeroDivisionError
    with bench.database.writing() as session:
        session.execute(update(Version).values(version=2))
        number = enqueue(session, target="emr", aggregate="a", kind="k", payload="sent", now=bench.now)
    bench.work()
    assert bench.receiver.payloads == ["sent"]
    with bench.database.reading() as session:
        assert session.scalar(select(Version.version)) == 2
    assert (bench.shown(number).state, bench.shown(number).due_at) == (State.COMPLETED, None)


def test_a_message_is_sent_once_and_as_it_was_written(bench: Bench) -> None:
    number = bench.write('{"value": 13.20}')
    assert (bench.work(), bench.work()) == (1, 0)
    (sent,) = bench.receiver.attempts
    key = bench.shown(number).key
    assert sent == Delivery(number, key, "emr", "a", "k", '{"value": 13.20}', 1)


def test_an_aggregate_is_sent_in_order_however_the_batches_fall(bench: Bench) -> None:
    for number in range(30):
        bench.write(str(number), aggregate=str(number % 4))
    bench.work(bench.worker(batch=7))
    for one in range(4):
        sent = [int(delivery.payload) for delivery in bench.receiver.attempts if delivery.aggregate == str(one)]
        assert sent == list(range(one, 30, 4))


def test_waits_grow_then_a_dead_letter_parks_its_aggregate_and_no_other(bench: Bench) -> None:
    bench.receiver.answer = failing("bad")
    bad, behind = bench.write("bad"), bench.write("behind")
    bench.work()
    for wait in (60, 120, 240, 480):
        assert bench.shown(bad).state is State.FAILED
        assert bench.shown(bad).due_at == bench.now + wait
        bench.write(f"other {wait}", aggregate="b")
        bench.now += wait - 0.5
        bench.work()
        assert bench.receiver.payloads[-1] == f"other {wait}"
        bench.now += 0.5
        bench.work()
    shown = bench.shown(bad)
    assert (shown.state, shown.attempts, shown.verdict, shown.parked) == (State.DEAD_LETTER, 5, "transient", True)
    late = bench.write("late")
    bench.now += 10**6
    bench.work()
    assert bench.receiver.tries()["bad"] == 5
    assert bench.states([behind, late]) == [State.PENDING, State.PENDING]


def test_a_retry_keeps_the_order(bench: Bench) -> None:
    bench.receiver.answer = failing("bad", verdict=Verdict.PERMANENT)
    bad, *_ = (bench.write(payload) for payload in ("bad", "second", "third"))
    bench.work()
    assert bench.receiver.payloads == ["bad"]
    bench.receiver.answer = failing("second", verdict=Verdict.PERMANENT)
    with bench.database.writing() as session:
        retry(session, bad, bench.now)
    bench.work()
    assert bench.receiver.payloads == ["bad", "bad", "second"]
    assert bench.shown(bad).attempts == 1


def test_dropping_the_head_lets_the_rest_go(bench: Bench) -> None:
    bench.receiver.answer = failing("bad", verdict=Verdict.PERMANENT)
    bad, middle, _ = (bench.write(payload) for payload in ("bad", "middle", "last"))
    bench.work()
    with bench.database.writing() as session:
        assert drop(session, middle, bench.now).payload == "middle"
    bench.work()
    assert bench.receiver.payloads == ["bad"]
    with bench.database.writing() as session:
        drop(session, bad, bench.now)
    bench.work()
    assert bench.receiver.payloads == ["bad", "last"]
    with pytest.raises(NoSuchMessage):
        bench.shown(bad)


def test_a_dropped_number_is_not_given_again(bench: Bench) -> None:
    number = bench.write("dropped")
    with bench.database.writing() as session:
        drop(session, number, bench.now)
    assert bench.write("next") > number


def test_what_waits_can_be_tried_at_once(bench: Bench) -> None:
    bench.receiver.answer = failing("bad")
    bad = bench.write("bad")
    bench.work()
    bench.receiver.answer = failing()
    with bench.database.writing() as session:
        retry(session, bad, bench.now)
    bench.work()
    assert bench.shown(bad).state is State.COMPLETED


def test_what_a_worker_has_or_has_sent_is_left_alone(bench: Bench) -> None:
    sent = bench.write("sent")
    bench.work()
    held = bench.write("held")
    with bench.database.writing() as session:
        assert claim(session, "emr", bench.now, bench.policy, 50)
    for number, state in ((sent, "completed"), (held, "processing")):
        for operation in (retry, drop):
            with pytest.raises(NotNow, match=state), bench.database.writing() as session:
                operation(session, number, bench.now)
    for operation in (retry, drop):
        with pytest.raises(NoSuchMessage), bench.database.writing() as session:
            operation(session, held + 1, bench.now)


def test_listing_by_target_and_state(bench: Bench) -> None:
    bench.receiver.answer = failing("bad", verdict=Verdict.PERMANENT)
    numbers = [bench.write(text, *at) for text, *at in (("ok", "a"), ("bad", "b"), ("bad", "c", "archive"))]
    bench.work()
    waiting = bench.write("waiting", "b")
    with bench.database.reading() as session:
        dead = listed(session, state=State.DEAD_LETTER)
        assert [one.number for one in dead] == numbers[1:]
        assert {one.payload for one in dead} == {None}
        assert [one.number for one in listed(session, target="emr", state=State.DEAD_LETTER)] == [numbers[1]]
        assert [one.number for one in listed(session, state=State.COMPLETED)] == [numbers[0]]
        assert [one.number for one in listed(session, state=State.PENDING)] == [waiting]
        assert [one.number for one in listed(session, after=numbers[0], count=2)] == numbers[1:]
        assert show(session, numbers[1]).payload == "bad"


@pytest.mark.parametrize("verdict", [Verdict.PERMANENT, Verdict.CONFLICT, Verdict.DUPLICATE])
def test_what_no_attempt_mends_is_a_dead_letter_at_once(bench: Bench, verdict: Verdict) -> None:
    bench.receiver.answer = failing("bad", verdict=verdict)
    shown = bench.shown(bench.write("bad"))
    bench.work()
    shown = bench.shown(shown.number)
    assert (shown.state, shown.attempts, shown.verdict, shown.detail) == (State.DEAD_LETTER, 1, verdict, "HTTP 4")


def test_a_refused_token_is_renewed_once(bench: Bench) -> None:
    answers = iter([Outcome(Verdict.REAUTHORIZE), OK])
    bench.receiver.answer = lambda _: next(answers)
    number = bench.write("m")
    bench.work()
    assert bench.receiver.renewed == [False, True]
    assert (bench.shown(number).state, bench.shown(number).attempts) == (State.COMPLETED, 1)


def test_an_account_that_is_refused_spends_no_attempt(bench: Bench) -> None:
    bench.receiver.answer = lambda _: Outcome(Verdict.REAUTHORIZE, "HTTP 401")
    number = bench.write("m")
    bench.work()
    assert bench.receiver.renewed == [False, True]
    assert (bench.shown(number).state, bench.shown(number).attempts) == (State.FAILED, 0)


def test_what_raises_is_the_messages_failure(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def raising(delivery: Delivery) -> Outcome:
        raise ValueError(f"cannot send {delivery.payload}")

    bench.receiver.answer = raising
    number = bench.write("Hong^Gildong")
    with caplog.at_level(logging.DEBUG):
        bench.work()
    shown = bench.shown(number)
    assert (shown.state, shown.attempts, shown.detail) == (State.FAILED, 1, "ValueError")
    assert "ValueError" in caplog.text
    assert "Hong" not in caplog.text


def _always(verdict: Verdict) -> Answer:
    return lambda _: Outcome(verdict)


# The breaker.


def test_an_outage_pauses_behind_the_breaker_and_buries_nothing(bench: Bench) -> None:
    numbers = [bench.write(str(number), aggregate=str(number % 20)) for number in range(40)]
    # It fails twice and works in between, so that what it fails for later cannot be told by that alone.
    for verdict in (Verdict.TARGET_DOWN, Verdict.TRANSIENT, Verdict.TARGET_DOWN):
        bench.receiver.answer = _always(verdict)
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


# Leases.


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


def test_nothing_is_begun_that_may_outlive_its_lease(bench: Bench) -> None:
    bench.policy = Policy(lease=100, longest_delivery=30)
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
