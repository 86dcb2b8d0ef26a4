"""The tables without I/O: states, verdicts and waits."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
import requests

from cdss_api.errors import Unavailable
from cdss_api.outbox.breaker import Heard, opens_after
from cdss_api.outbox.pace import next_size
from cdss_api.outbox.states import TRANSITIONS, State, before
from cdss_api.outbox.verdicts import Outcome, Verdict, of_answer, of_exception
from cdss_api.outbox.waits import LONGEST_NAMED, Policy, named_wait

NOW = 1_700_000_000.0


def test_every_state_is_reached_and_only_completed_is_the_end() -> None:
    assert set(TRANSITIONS) == set(State)
    assert [state for state, following in TRANSITIONS.items() if not following] == [State.COMPLETED]
    assert set().union(*TRANSITIONS.values()) == set(State)


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.DEAD_LETTER])
def test_an_attempt_ends_only_what_was_being_sent(state: State) -> None:
    assert before(state) == (State.PROCESSING,)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.OK),
        (201, Verdict.OK),
        (204, Verdict.OK),
        (302, Verdict.PERMANENT),
        (400, Verdict.PERMANENT),
        (401, Verdict.REAUTHORIZE),
        (403, Verdict.PERMANENT),
        (404, Verdict.PERMANENT),
        (408, Verdict.TRANSIENT),
        (409, Verdict.TRANSIENT),
        (410, Verdict.PERMANENT),
        (412, Verdict.DUPLICATE),
        (422, Verdict.PERMANENT),
        (425, Verdict.TRANSIENT),
        (429, Verdict.TARGET_DOWN),
        (500, Verdict.TARGET_DOWN),
        (502, Verdict.TARGET_DOWN),
        (503, Verdict.TARGET_DOWN),
        (504, Verdict.TARGET_DOWN),
    ],
)
def test_what_a_status_means(status: int, verdict: Verdict) -> None:
    assert of_answer(status, {}, NOW).verdict is verdict


def test_a_refused_version_is_a_conflict() -> None:
    assert of_answer(412, {}, NOW, if_match=True).verdict is Verdict.CONFLICT


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ConnectionRefusedError(), Verdict.TARGET_DOWN),
        (TimeoutError(), Verdict.TARGET_DOWN),
        (socket.gaierror(), Verdict.TARGET_DOWN),
        (requests.ConnectionError(), Verdict.TARGET_DOWN),
        (requests.ReadTimeout(), Verdict.TARGET_DOWN),
        (requests.exceptions.SSLError(), Verdict.TARGET_DOWN),
        (requests.exceptions.InvalidURL(), Verdict.TRANSIENT),
        (FileNotFoundError(), Verdict.TRANSIENT),
        (KeyError("a patient's name"), Verdict.TRANSIENT),
    ],
)
def test_what_no_answer_means(error: Exception, verdict: Verdict) -> None:
    assert of_exception(error) == Outcome(verdict, type(error).__name__)


def test_a_worker_that_lacks_something_spends_no_attempt_and_says_what() -> None:
    assert of_exception(Unavailable("no key")) == Outcome(Verdict.TARGET_DOWN, "no key")


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (503, {"retry-after": " 7 "}, 7.0),
        (429, {"Retry-After": format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True)}, 90.0),
        (429, {"Retry-After": format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True)}, 0.0),
        (429, {"Retry-After": "99999999"}, LONGEST_NAMED),
        (429, {"Retry-After": "soon"}, 1.0),
        (429, {"Retry-After": "7", "RateLimit": '"d";r=0;t=30'}, 7.0),
        (429, {"RateLimit": '"requests";r=0;t=30'}, 30.0),
        (429, {"RateLimit": '"minute";r=12;t=60, "load";r=0;t=4'}, 4.0),
        (429, {"RateLimit": '"minute";r=0;t=60, "load";r=0;t=4'}, 60.0),
        (429, {"RateLimit": '"minute";r=3;t=50'}, 50.0),
        (429, {"RateLimit": "limit=100, remaining=0, reset=45"}, 45.0),
        (429, {"RateLimit-Limit": "100", "RateLimit-Reset": "45"}, 45.0),
        (429, {"RateLimit": "nonsense"}, 1.0),
        (429, {}, 1.0),
        (503, {}, None),
        (503, {"RateLimit": '"requests";r=0;t=30'}, None),
        (500, {"Retry-After": "7"}, None),
        (200, {"Retry-After": "7"}, None),
    ],
)
def test_how_long_a_target_asks_to_wait(status: int, headers: dict[str, str], wait: float | None) -> None:
    assert named_wait(status, headers, NOW) == wait
    if status >= 429:
        assert of_answer(status, headers, NOW).wait == wait


def test_waits_double_and_are_spread_upwards() -> None:
    policy = Policy()
    assert [policy.backoff(n, lambda: 0.0) for n in (1, 2, 3, 4)] == [60, 120, 240, 480]
    assert [policy.backoff(n, lambda: 0.5) for n in (1, 2)] == pytest.approx([66, 132])
    assert [policy.pause(n, lambda: 0.0) for n in (1, 2, 3, 7, 10**6)] == [5, 10, 20, 300, 300]


def test_a_batch_is_broken_off_after_failures_in_a_row() -> None:
    policy = Policy(failures=2)
    ok, down = (Heard(Outcome(verdict), 0.0) for verdict in (Verdict.OK, Verdict.TARGET_DOWN))
    full = Heard(Outcome(Verdict.TARGET_DOWN, wait=3.0), 0.0)
    assert [opens_after(heard, policy) for heard in ([], [down], [down, ok, down], [ok, down, down], [full])] == [
        False,
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("size", "begun", "seconds", "expected"),
    [
        (50, 50, 0.1, 100),
        (400, 400, 0.1, 500),
        (500, 500, 0.1, 500),
        (50, 20, 0.1, 50),
        (50, 50, 1.0, 50),
        (50, 50, 3.0, 25),
        (50, 3, 30.0, 25),
        (1, 1, 30.0, 1),
    ],
)
def test_a_batch_is_what_a_target_takes_in_about_a_second(size: int, begun: int, seconds: float, expected: int) -> None:
    assert next_size(size, begun, seconds, 500) == expected
