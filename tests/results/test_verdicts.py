"""What radiologists say of results, and finding results, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from cdss_api.imaging.models import Study
from cdss_api.results.models import ResultRow
from neuronova.contract.audit import Action
from neuronova.contract.roles import Role
from tests.accounts.api import KIM, code_of, json_of
from tests.fhir.asking import Fhir
from tests.imaging.studies import a_study
from tests.imaging.test_events import tell
from tests.jobs.judging import sha
from tests.results.making import LIMITS, MODEL
from tests.results.rows import change, published, row_of

REASON = "석회화"


@pytest.fixture
def made(fhir: Fhir) -> ResultRow:
    """A published result of Kim's study."""
    tell(fhir, a_study(study="1.2.5", patient_id=KIM.patient_id, issuer=KIM.issuer))
    with fhir.api.service.database.reading() as session:
        study = session.scalars(select(Study.logical_id)).one()
    of = {"uid": "1.2.5", "study": study}
    return row_of(fhir.api, published(fhir.api, of, patient_id=KIM.patient_id, issuer=KIM.issuer))


def judge(fhir: Fhir, row: ResultRow, role: Role = Role.RADIOLOGIST, **body: Any) -> TestResponse:
    url = f"/api/v1/results/{row.job_key}/verdict"
    return fhir.api.client.post(url, json=body, headers=fhir.header(role))


def listed(fhir: Fhir, query: str = "", role: Role = Role.RADIOLOGIST) -> list[dict[str, Any]]:
    answer = fhir.api.client.get(f"/api/v1/results{query}", headers=fhir.header(role))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = json_of(answer)["results"]
    return found


def report(fhir: Fhir, row: ResultRow) -> dict[str, Any]:
    return fhir.bundle(f"/DiagnosticReport/ai-{row.job_key}")


def test_an_accepted_one_is_final_and_says_by_whom(fhir: Fhir, made: ResultRow) -> None:
    answer = json_of(judge(fhir, made, verdict="accepted"))
    assert (answer["standing"], answer["judged_by"]) == ("accepted", fhir.account(Role.RADIOLOGIST))
    assert answer["judged_at"] == fhir.api.clock.time
    found = report(fhir, made)
    assert (found["status"], len(found["resultsInterpreter"])) == ("final", 1)
    kept = row_of(fhir.api, made.number)
    for name in ("rule", "input_hash", "digest", "measurements_uid", "text_uid", "body"):
        assert getattr(kept, name) == getattr(made, name)


@pytest.mark.parametrize("reason", ["", "  \n"], ids=["none", "blank"])
def test_rejecting_needs_a_reason(fhir: Fhir, made: ResultRow, reason: str) -> None:
    answer = judge(fhir, made, verdict="rejected", reason=reason)
    assert (answer.status_code, code_of(answer)) == (422, "invalid_input")
    assert row_of(fhir.api, made.number).verdict is None


def test_a_later_verdict_stands_in_place_of_an_earlier_one(fhir: Fhir, made: ResultRow) -> None:
    assert judge(fhir, made, verdict="rejected", reason=REASON).status_code == 200
    assert report(fhir, made)["status"] == "entered-in-error"
    assert f"Rejected: {REASON}." in report(fhir, made)["conclusion"]
    assert judge(fhir, made, verdict="accepted").status_code == 200
    assert report(fhir, made)["status"] == "final"
    kept = row_of(fhir.api, made.number)
    assert (kept.verdict, kept.verdict_reason) == ("accepted", None)


def test_a_withdrawn_one_is_judged_no_more(fhir: Fhir, made: ResultRow) -> None:
    change(fhir.api, made.number, withdrawn_at=1.0)
    answer = judge(fhir, made, verdict="accepted")
    assert (answer.status_code, code_of(answer)) == (409, "result_withdrawn")


REFUSED = {role.value: role for role in (Role.DOCTOR, Role.NURSE, Role.TECHNOLOGIST, Role.PATIENT)}


@pytest.mark.parametrize("role", REFUSED.values(), ids=REFUSED.keys())
def test_who_writes_no_reports_judges_nothing(fhir: Fhir, made: ResultRow, role: Role) -> None:
    assert judge(fhir, made, role, verdict="accepted").status_code == 403
    assert row_of(fhir.api, made.number).verdict is None


def test_what_is_not_there_or_not_published_is_not_found(fhir: Fhir, made: ResultRow) -> None:
    change(fhir.api, made.number, published_at=None)
    assert judge(fhir, made, verdict="accepted").status_code == 404
    url = f"/api/v1/results/{'0' * 32}/verdict"
    header = fhir.header(Role.RADIOLOGIST)
    assert fhir.api.client.post(url, json={"verdict": "accepted"}, headers=header).status_code == 404


BAD: dict[str, dict[str, Any]] = {
    "no-verdict": {},
    "other": {"verdict": "open"},
    "long": {"verdict": "rejected", "reason": "x" * 2001},
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_bad_input_is_told(fhir: Fhir, made: ResultRow, body: dict[str, Any]) -> None:
    assert judge(fhir, made, **body).status_code == 422


def test_a_result_says_all_that_a_reader_needs(fhir: Fhir, made: ResultRow) -> None:
    (found,) = listed(fhir, "?study=1.2.5")
    assert found["job"] == made.job_key
    assert found["lines"] == ["Intracranial volume: 1,400 mL", "Hyperdense region: volume 1.5 mL, mean 66.25 HU"]
    assert (found["limits"], found["warning"]) == (list(LIMITS), "AI, not for diagnosis")
    assert (found["model"], found["model_version"], found["digest"]) == (MODEL.id, MODEL.version, MODEL.digest)
    assert (found["standing"], found["judged_by"]) == ("open", None)


FILTERS = {
    "study": ("?study=1.2.5", True),
    "other-study": ("?study=1.2.6", False),
    "rule": ("?rule=ct-head", True),
    "other-rule": ("?rule=mr", False),
    "model": (f"?model={MODEL.id}", True),
    "digest": (f"?digest={MODEL.digest}", True),
    "other-digest": (f"?digest={sha('other')}", False),
    "open": ("?standing=open", False),
    "rejected": ("?standing=rejected", True),
    "accepted": ("?standing=accepted", False),
    "withdrawn": ("?standing=withdrawn", False),
}


@pytest.mark.parametrize(("query", "fits"), FILTERS.values(), ids=FILTERS.keys())
def test_filters(fhir: Fhir, made: ResultRow, query: str, fits: bool) -> None:
    change(fhir.api, made.number, verdict="rejected")
    assert bool(listed(fhir, query)) is fits


def test_pages_go_from_the_newest_to_the_oldest(fhir: Fhir, made: ResultRow) -> None:
    numbers = [made.number] + [published(fhir.api, {"uid": "1.2.6", "study": "other"}) for _ in range(2)]
    first = listed(fhir, "?count=2")
    assert [one["number"] for one in first] == [numbers[2], numbers[1]]
    assert [one["number"] for one in listed(fhir, f"?before={numbers[1]}")] == [numbers[0]]


def test_others_see_their_own_patients_results(fhir: Fhir, made: ResultRow) -> None:
    assert listed(fhir, role=Role.DOCTOR) == []
    header = fhir.header(Role.PATIENT)
    assert fhir.api.client.get("/api/v1/results", headers=header).status_code == 403


def test_a_verdict_is_in_the_audit_trail(fhir: Fhir, made: ResultRow) -> None:
    before = len(fhir.events())
    judge(fhir, made, verdict="accepted")
    event = next(one for one in fhir.events()[before:] if one.action == Action.STORE)
    assert event.subject == fhir.account(Role.RADIOLOGIST)


def test_it_is_no_report_of_the_study_and_no_prior(fhir: Fhir, made: ResultRow) -> None:
    judge(fhir, made, verdict="accepted")
    waiting = fhir.api.client.get("/api/v1/reading", headers=fhir.header(Role.RADIOLOGIST))
    (row,) = json_of(waiting)["studies"]
    assert (row["study"], row["progress"], row["report"]) == ("1.2.5", "in-progress", "")
    opened = json_of(fhir.api.client.get("/api/v1/reports/1.2.5", headers=fhir.header(Role.RADIOLOGIST)))
    assert (opened["report"], opened["priors"]) == (None, [])
