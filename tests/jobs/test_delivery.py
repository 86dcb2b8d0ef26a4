"""A job's way through the outbox before a service that answers, errs, forgets and hangs, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cdss_api.jobs.masks import folder_of
from tests.accounts.api import Api
from tests.jobs.judging import asked, gone, jobs, judged, sha, states, tell
from tests.jobs.speaking import DIGEST, npz, problem, speaking
from tests.jobs.working import Bench
from tests.notifications.people import subjects

MINUTES = 30 * 60.0
Err = Callable[[str, str], tuple[int, bytes] | None]


@pytest.fixture
def bench(api: Api) -> Iterator[Bench]:
    with speaking() as spoken:
        yield Bench(api, spoken)


def on(method: str, status: int, body: bytes = b"", end: str = "") -> Err:
    return lambda asked, path: (
        (status, body) if asked == method and path.endswith(end) and "models" not in path else None
    )


def test_a_job_succeeds_in_steps_and_its_mask_is_kept(bench: Bench) -> None:
    tell(bench.api, judged())
    bench.spoken.status = "running"
    bench.work(5)
    assert (bench.ended(), bench.messages(), bench.job.digest) == (("running", None), [("pending", 0)], DIGEST)
    assert bench.job.started_at is not None
    bench.spoken.status = "succeeded"
    bench.work(1)
    assert (bench.ended(), bench.messages(), bench.job.seconds) == (("succeeded", None), [("completed", 1)], 1.5)
    folder = folder_of(bench.api.service.settings.data)
    assert [one.name for one in folder.iterdir()] == [f"{bench.job.job_key}.npz"]
    assert bench.spoken.count("POST") == 1
    (request,) = bench.spoken.known.values()
    assert request["input"]["token"] == "token-for-1.2"
    assert (request["trace_id"], request["deadline"]) == (bench.job.trace_id, 60)


ENDS: dict[str, tuple[str, int, bytes]] = {
    "400": ("POST", 400, b""),
    "unknown-model": ("POST", *problem(404, "unknown_model")),
    "input-changed": ("POST", *problem(409, "input_changed")),
    "too-large": ("POST", *problem(413, "too_large")),
    "415": ("POST", *problem(415, "media")),
    "422": ("POST", *problem(422, "root_not_allowed")),
    "odd-code": ("POST", *problem(422, "<b>")),
    "redirected": ("POST", 302, b""),
    "rubbish": ("GET", 200, b"<html>"),
    "nested": ("GET", 200, b"[" * 100_000),
    "too-long": ("GET", 200, b" " * (5 << 20)),
    "anothers": ("GET", 200, b'{"job_key":"another-1","status":"running","trace_id":"' + b"0" * 32 + b'"}'),
}
REASONS = {
    "400": "http_400",
    "unknown-model": "unknown_model",
    "input-changed": "input_changed",
    "too-large": "too_large",
    "415": "media",
    "422": "root_not_allowed",
    "odd-code": "http_422",
}


@pytest.mark.parametrize("name", ENDS)
def test_what_will_not_change_is_an_end_at_once(bench: Bench, name: str) -> None:
    bench.spoken.err = on(*ENDS[name])
    tell(bench.api, judged())
    bench.work(2)
    assert bench.ended() == ("failed_permanent", REASONS.get(name, "bad_answer"))
    (told,) = subjects(bench.api, bench.api.admin())
    assert told.endswith(f": {REASONS.get(name, 'bad_answer')}")
    assert bench.messages() == [("completed", 1)]
    assert bench.breaker() == "closed"


RESULTS: dict[str, dict[str, Any]] = {
    "another-model": {"result": {"model": {"id": "ct-hyperdensity", "version": "1", "digest": sha("other")}}},
    "no-number": {"result": {"seconds": "long"}},
    "mask-elsewhere": {
        "result": {"mask": {"path": "/metrics", "shape": [3, 4, 5], "segments": [{"number": 1, "label": "a"}]}}
    },
    "mask-of-another-shape": {"mask": npz((3, 4, 6))},
    "mask-of-another-kind": {"mask": npz(kind="f4")},
    "mask-that-is-none": {"mask": b"PK rubbish"},
    "mask-of-two-dimensions": {"mask": npz((3, 4))},
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_that_is_not_sound_is_none(bench: Bench, name: str) -> None:
    for member, value in RESULTS[name].items():
        setattr(bench.spoken, member, value)
    tell(bench.api, judged())
    bench.work(2)
    assert bench.ended() == ("failed_permanent", "bad_answer")
    assert bench.job.result is None
    folder = folder_of(bench.api.service.settings.data)
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_service_that_is_down_loses_nothing_and_its_breaker_opens_and_closes(bench: Bench, status: int) -> None:
    bench.spoken.err = on("POST", status)
    tell(bench.api, judged(), judged("1.9"))
    bench.work(1)
    bench.work(600, step=5)
    assert states(bench.api) == [("queued", None)] * 2
    assert bench.breaker() == "open"
    bench.spoken.err = lambda _method, _path: None
    bench.work(600, step=5)
    assert states(bench.api) == [("succeeded", None)] * 2
    assert bench.breaker() == "closed"
    assert len(bench.spoken.known) == 2


def test_not_evaluable_is_an_end_with_its_reason(bench: Bench) -> None:
    bench.spoken.status, bench.spoken.reason = "not_evaluable", "wrong_modality"
    tell(bench.api, judged())
    bench.work(2)
    assert (bench.ended(), bench.job.detail) == (("not_evaluable", "wrong_modality"), "Why.")


def test_what_fails_for_now_is_tried_again_and_given_up_after_five(bench: Bench) -> None:
    bench.spoken.status, bench.spoken.reason = "failed_transient", "model_crashed"
    tell(bench.api, judged())
    bench.work(2)
    assert (bench.ended(), bench.messages()) == (("failed_transient", "model_crashed"), [("failed", 1)])
    bench.work(MINUTES, step=20)
    assert (bench.ended(), bench.messages()) == (("failed_permanent", "model_crashed"), [("completed", 5)])
    assert (bench.spoken.count("POST"), bench.job.attempts) == (5, 5)


def test_a_service_that_forgot_is_asked_again_and_not_for_ever(bench: Bench) -> None:
    bench.spoken.status = "running"
    tell(bench.api, judged())
    bench.work(2)
    bench.spoken.known.clear()
    bench.work(2)
    assert (bench.ended(), bench.spoken.count("POST")) == (("running", None), 2)
    bench.spoken.err = lambda method, _path: (
        problem(404, "unknown_job") if method == "GET" and "models" not in _path else None
    )
    bench.work(3)
    assert bench.ended() == ("failed_transient", "service_restarted")


def test_a_model_that_hangs_is_stopped(bench: Bench) -> None:
    bench.spoken.status = "running"
    tell(bench.api, judged())
    bench.work(80, step=5)
    assert bench.ended() == ("running", None)
    bench.work(20, step=5)
    assert bench.ended() == ("failed_transient", "deadline")
    assert bench.spoken.count("DELETE") == 1


def test_another_digest_of_the_model_is_taken_once(bench: Bench) -> None:
    bench.tender.ask()
    bench.spoken.digest = sha("newer")
    tell(bench.api, judged())
    assert bench.job.digest == DIGEST
    bench.work(2)
    assert (bench.ended(), bench.job.digest) == (("succeeded", None), sha("newer"))


def test_a_service_that_never_agrees_on_the_model_is_an_end(bench: Bench) -> None:
    bench.spoken.err = on("POST", *problem(409, "model_changed"))
    tell(bench.api, judged())
    bench.work(2)
    assert bench.ended() == ("failed_permanent", "model_changed")


def test_a_model_that_the_service_lacks(bench: Bench) -> None:
    tell(bench.api, judged(asked=(asked(model="nobodys"),)))
    bench.work(1)
    assert bench.ended() == ("failed_permanent", "unknown_model")
    assert bench.spoken.count("POST") == 0


@pytest.mark.parametrize("how", ["late-slice", "deleted"])
def test_what_runs_is_stopped_when_the_series_changes(bench: Bench, how: str) -> None:
    bench.spoken.status = "running"
    tell(bench.api, judged())
    bench.work(2)
    tell(bench.api, gone() if how == "deleted" else judged(version="b", asked=()))
    bench.work(2)
    assert bench.ended()[0] == ("cancelled" if how == "deleted" else "superseded")
    assert (bench.spoken.count("DELETE"), bench.spoken.known) == (1, {})
    assert bench.messages() == [("completed", 1)]


def test_a_dead_letter_ends_its_job_and_is_gone(bench: Bench) -> None:
    tell(bench.api, *(judged(f"1.{number}") for number in range(5)))
    for _ in range(40):  # workers that die with what they have
        worker = bench.worker()
        worker.deliver = _die
        try:
            worker.step()
        except SystemExit:
            bench.api.clock.time += bench.policy.lease + 1
    assert [state for state, _ in bench.messages()] == ["dead_letter"] * 4
    assert bench.tender.bury() == 4
    assert states(bench.api) == [("failed_permanent", "worker_lost")] * 4 + [("queued", None)]
    assert len(subjects(bench.api, bench.api.admin())) == 4
    assert bench.messages() == [("pending", 0)]
    bench.work(2)
    assert jobs(bench.api)[-1].state == "succeeded"


def _die(*_: object, **__: object) -> Any:
    raise SystemExit


def test_another_worker_that_is_late_changes_nothing(bench: Bench) -> None:
    tell(bench.api, judged())
    late = bench.worker()
    real, other = late.deliver, bench.worker()

    def slow(delivery: Any, /, *, renew: bool) -> Any:
        bench.api.clock.time += bench.policy.lease + 1
        bench.work(3, worker=other)
        assert bench.ended() == ("succeeded", None)
        return real(delivery, renew=renew)

    late.deliver = slow
    late.step()
    assert (bench.ended(), bench.messages(), bench.spoken.count("POST")) == (("succeeded", None), [("completed", 2)], 1)
