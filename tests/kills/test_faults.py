"""A running platform whose series grow, come twice, meet models that fail and a service that is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.kills.faults import (
    MODELS,
    RULES,
    breaker,
    hurry,
    keep_killing,
    overview,
    shown,
    told_of,
    until_failed,
)
from tests.kills.stages import running
from tests.kills.ward import Case, Ward, started
from tests.server import until


@pytest.fixture(scope="module")
def ward() -> Iterator[Ward]:
    with TemporaryDirectory(prefix="nn") as folder, started(Path(folder), RULES, MODELS) as ward:
        yield ward


def test_a_late_slice_takes_the_first_result_back_and_makes_another(ward: Ward) -> None:
    case = Case(ward, "late slice", counted=False)
    *early, late = case.images
    ward.send(early)
    first = case.until_state("succeeded")
    (before,) = until(lambda: [one for one in case.results() if one["published_at"]], "the first result")
    (report,) = until(case.reports, "the first report")
    assert report["status"] == "preliminary"
    ward.send([late])
    until(lambda: len(case.jobs()) == 2, "another job")
    case.assert_ended_once(jobs=2)
    old, new = case.jobs()
    assert (old["job_key"], old["state"], old["reason"]) == (first["job_key"], "superseded", "input_changed")
    assert old["input_hash"] != new["input_hash"]
    withdrawn = next(one for one in case.results() if one["job_key"] == old["job_key"])
    assert withdrawn["withdrawn_at"] is not None
    kept = next(one for one in case.results() if one["job_key"] == new["job_key"])
    expected = [*objects(kept), *(str(one.SOPInstanceUID) for one in case.images)]
    until(lambda: sorted(case.stored()) == sorted(expected), "the first result's objects are gone")
    assert not set(objects(before)) & set(expected)
    until(lambda: sorted(statuses(case)) == ["entered-in-error", "preliminary"], "both reports")
    assert next(one for one in case.reports() if one["id"] == report["id"])["status"] == "entered-in-error"


@pytest.mark.parametrize("when", ["before-it-is-judged", "after-its-result"])
def test_a_series_that_is_sent_twice_has_one_job(ward: Ward, when: str) -> None:
    case = Case(ward, f"twice {when}", counted=False)
    ward.send(case.images)
    if when == "after-its-result":
        case.assert_ended_once()
    ward.send(case.images)
    # Series are looked at in the order in which they came: what is judged later has left nothing before it.
    other = Case(ward, f"after twice {when}")
    ward.send(other.images)
    other.assert_ended_once()
    case.assert_ended_once()


def test_a_service_that_dies_again_and_again_loses_nothing(ward: Ward) -> None:
    cases = [Case(ward, f"service dies {number}") for number in range(4)]
    assert breaker(ward) == "closed"
    for case in cases:
        ward.send(case.images)

    def opens() -> bool:
        keep_killing(ward, "inference")
        return breaker(ward) == "open"

    until(opens, "the breaker opens")
    service = overview(ward)["service"]
    assert service["failures"] >= 5
    assert service["until"] is not None
    assert [one["state"] for case in cases for one in case.jobs()].count("queued") >= 1
    until(lambda: breaker(ward) == "closed", "the breaker closes")
    for case in cases:
        case.assert_ended_once()
        assert told_of(case) == []


def test_a_service_that_does_not_answer_loses_nothing(ward: Ward) -> None:
    case = Case(ward, "service hangs")
    with ward.frozen("inference"):
        ward.send(case.images)
        until(lambda: overview(ward)["service"]["failures"] > 0, "the service is missed")
        assert [one["state"] for one in case.jobs()] == ["queued"]
    case.assert_ended_once()
    until(lambda: overview(ward)["service"]["failures"] == 0, "the service is heard")
    assert told_of(case) == []


@pytest.mark.parametrize(
    ("described", "reason", "attempts"),
    [
        ("hangs", "deadline_exceeded", 5),
        ("eats", "out_of_memory", 1),
        ("rubbish", "bad_output", 1),
    ],
    ids=["hangs", "eats", "rubbish"],
)
def test_a_model_that_fails_says_why_and_the_next_one_runs(
    ward: Ward, described: str, reason: str, attempts: int
) -> None:
    case, behind = Case(ward, f"fails {described}", described), Case(ward, f"behind {described}")
    ward.send(case.images)
    until(case.jobs, "the job")
    ward.send(behind.images)
    job = until_failed(case)
    assert (job["reason"], job["attempts"]) == (reason, attempts)
    behind.assert_ended_once()
    (told,) = told_of(case)
    assert told.endswith(f": {reason}")
    assert case.results() == []
    assert len(case.stored()) == len(case.images)
    failures = [one for one in overview(ward)["failures"] if one["model"] == f"test-{described}"]
    assert [(one["state"], one["reason"], one["count"]) for one in failures] == [("failed_permanent", reason, 1)]
    assert breaker(ward) == "closed"


def test_a_ct_that_a_rule_sends_to_the_t1_model_is_not_evaluable(ward: Ward) -> None:
    case = Case(ward, "ct as a brain", "brain")
    ward.send(case.images)
    case.until_state("not_evaluable")
    (job,) = shown(case)
    assert (job["model"], job["state"], job["reason"]) == ("t1w-volumes", "not_evaluable", "wrong_modality")
    assert job["detail"] == "This model takes MR."
    assert (case.results(), told_of(case)) == ([], [])
    found = [(one["model"], one["state"], one["reason"]) for one in overview(ward)["failures"]]
    assert ("t1w-volumes", "not_evaluable", "wrong_modality") in found


def test_a_model_that_is_killed_is_run_again(ward: Ward) -> None:
    case = Case(ward, "model killed")
    with running(case):
        until(lambda: ward.pids("model"), "the model's process")
        ward.kill("model")
        failed = case.until_state("failed_transient")
        assert (failed["reason"], failed["attempts"]) == ("model_crashed", 1)
    hurry(case)
    case.assert_ended_once()
    assert case.jobs()[0]["attempts"] == 2
    assert told_of(case) == []


def test_a_series_is_judged_though_the_judging_process_dies(ward: Ward) -> None:
    case, log = Case(ward, "judging killed"), ward.data / "log" / "orthanc.log"
    before = log.read_text(errors="replace").count("judge_series")
    for _ in ward.pids("judging"):
        ward.kill("judging")
    ward.send(case.images)
    # It is started when it is asked.
    until(lambda: ward.pids("judging"), "somebody is asked to judge")
    ward.kill("judging")
    case.assert_ended_once()
    assert log.read_text(errors="replace").count("judge_series") > before


def objects(result: dict[str, object]) -> list[str]:
    """Return the SOPInstanceUIDs of a result's objects."""
    return [str(result[name]) for name in ("segmentation_uid", "measurements_uid", "text_uid")]


def statuses(case: Case) -> list[str]:
    """Return how the reports of a series stand."""
    return [str(one["status"]) for one in case.reports()]
