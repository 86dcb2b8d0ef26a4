"""One worker on both databases: atomicity, order, attempts, dead letters and the operations."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import select, update

from cdss_api.accounts.models import Version
from cdss_api.outbox.claiming import claim
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.operations import NoSuchMessage, NotNow, drop, listed, retry, show
from cdss_api.outbox.states import State
from cdss_api.outbox.verdicts import Outcome, Verdict
from tests.outbox.sending import OK, Bench, failing


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
    assert sent == Delivery(number, key, "emr", "a", "k", '{"value": 13.20}', 1, 1)


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


def test_what_a_target_works_on_is_due_again_in_its_place_and_spends_no_attempt(bench: Bench) -> None:
    bench.receiver.answer = lambda delivery: (
        Outcome(Verdict.AGAIN, None, 0.5) if delivery.payload == "slow" and bench.now < 1_000_060 else OK
    )
    slow, after, other = bench.write("slow"), bench.write("after"), bench.write("other", aggregate="b")
    bench.work()
    assert [(bench.shown(one).state, bench.shown(one).attempts) for one in (slow, after, other)] == [
        (State.PENDING, 0),
        (State.PENDING, 0),
        (State.COMPLETED, 1),
    ]
    bench.pass_(0.4, step=0.4)
    assert bench.receiver.tries()["slow"] == 1
    bench.pass_(59)
    assert bench.receiver.tries()["slow"] > 50
    assert bench.breaker().breaker == "closed"
    bench.pass_(2)
    assert bench.states([slow, after, other]) == [State.COMPLETED] * 3
    assert bench.receiver.payloads[-2:] == ["slow", "after"]
    assert bench.shown(slow).attempts == 1


def test_what_a_target_works_on_counts_as_an_answer_and_keeps_the_attempts_that_failed(bench: Bench) -> None:
    said = iter([Verdict.TRANSIENT, Verdict.AGAIN, Verdict.TARGET_DOWN, Verdict.AGAIN, Verdict.OK])
    bench.receiver.answer = lambda _: Outcome(next(said), None, None)
    number = bench.write("one")
    bench.pass_(70)
    assert (bench.shown(number).state, bench.shown(number).attempts) == (State.COMPLETED, 2)
    assert (bench.breaker().failures, bench.breaker().breaker) == (0, "closed")
