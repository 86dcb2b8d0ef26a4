"""The routes of jobs: who sees which, stopping and repeating, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from cdss_api.accounts import grants
from cdss_api.accounts.models import Account
from neuronova.contract.grants import Patient
from neuronova.contract.priority import Priority
from neuronova.contract.roles import Role
from tests.accounts.api import TESTER, Api, json_of
from tests.jobs.judging import asked, gone, jobs, judged, states, tell


def get(api: Api, path: str = "", who: dict[str, str] | None = None) -> TestResponse:
    return api.client.get(f"/api/v1/jobs{path}", headers=who or api.admin())


def listed(api: Api, query: str = "", who: dict[str, str] | None = None) -> list[dict[str, Any]]:
    answer = get(api, query, who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = json_of(answer)["jobs"]
    return found


def act(api: Api, what: str, job: str, who: dict[str, str] | None = None) -> TestResponse:
    return api.client.post(f"/api/v1/jobs/{job}/{what}", headers=who or api.admin())


def test_jobs_are_listed_the_newest_first_by_pages_and_filters(api: Api) -> None:
    for number in range(5):
        tell(api, judged(f"1.{number}", study=f"2.{number % 2}", patient_id=f"P{number}"))
    tell(api, judged("1.9", asked=(asked("other", "t1w-volumes", reasons=("No.",)),)))
    assert [one["series"] for one in listed(api)] == ["1.9", "1.4", "1.3", "1.2", "1.1", "1.0"]
    first = json_of(get(api, "?count=4"))
    assert (len(first["jobs"]), first["more"]) == (4, True)
    second = json_of(get(api, f"?count=4&before={first['jobs'][-1]['number']}"))
    assert ([one["series"] for one in second["jobs"]], second["more"]) == (["1.1", "1.0"], False)
    for query, many in {
        "state=not_evaluable": 1,
        "rule=other": 1,
        "model=ct-hyperdensity": 5,
        "study=2.1": 2,
        "patient_id=P3": 1,
    }.items():
        assert len(listed(api, f"?{query}")) == many, query
    assert [one["waits"] for one in listed(api, "?state=queued")] == [True, False, False, False, False]


@pytest.mark.parametrize("query", ["state=lost", "count=0", "count=1000", "before=0", "study=x"])
def test_an_odd_question_is_refused(api: Api, query: str) -> None:
    assert get(api, f"?{query}").status_code == 422


def test_a_doctor_sees_those_of_the_care_team_alone(api: Api) -> None:
    tell(api, judged(), judged("1.9", patient_id="P2"))
    account = api.person(Role.DOCTOR)
    who = api.bearer("doctor")
    assert listed(api, "", who) == []
    with api.service.work(TESTER) as work:
        found = work.session.get_one(Account, account)
        grants.give(work, found, Patient("P2", "HOSPITAL"))
    (seen,) = listed(api, "", who)
    assert seen["patient_id"] == "P2"
    assert get(api, f"/{seen['id']}", who).status_code == 200
    other = jobs(api)[0].job_key
    assert get(api, f"/{other}", who).status_code == 404
    assert [act(api, what, seen["id"], who).status_code for what in ("retry", "cancel")] == [403, 403]
    assert api.journal.actions()[-1] == "job-show done"


def test_a_job_is_cancelled_once_and_done_again(api: Api) -> None:
    tell(api, judged())
    (job,) = jobs(api)
    assert json_of(act(api, "cancel", job.job_key))["reason"] == "by_person"
    assert act(api, "cancel", job.job_key).status_code == 409
    tell(api, judged())  # what a person stopped stays so
    assert states(api) == [("cancelled", "by_person")]
    api.person(Role.RADIOLOGIST)
    again = act(api, "retry", job.job_key, api.bearer("radiologist"))
    assert (json_of(again)["state"], json_of(again)["run"], json_of(again)["ended_at"]) == ("queued", 2, None)
    assert act(api, "retry", job.job_key).status_code == 409
    assert jobs(api)[0].message != job.message
    done = [one["detail"] for one in api.journal.events if one["action"] == "job-decision"]
    assert [(one["decision"], one["was"]) for one in done] == [("cancel", "queued"), ("retry", "cancelled")]


def test_what_is_superseded_is_not_done_again(api: Api) -> None:
    tell(api, judged())
    tell(api, judged(version="b"))
    assert act(api, "retry", jobs(api)[0].job_key).status_code == 409
    tell(api, gone())
    assert act(api, "retry", "0" * 32).status_code == 404


def test_whoever_waits_takes_the_place_of_a_cancelled_one(api: Api) -> None:
    for number in range(5):
        tell(api, judged(f"1.{number}"))
    tell(api, judged("1.9", asked=(asked(priority=Priority.STAT),)))
    act(api, "cancel", jobs(api)[0].job_key)
    assert [one.series for one in jobs(api) if one.message is None] == ["1.4"]
