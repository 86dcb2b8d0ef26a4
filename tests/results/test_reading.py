"""A model's critical finding in the reading list: its study is read earlier, as long as the finding holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from cdss_api.jobs.states import State
from cdss_api.results.judging import withdraw
from neuronova.contract.roles import Role
from tests.accounts.api import Api
from tests.fhir.asking import Fhir
from tests.jobs.judging import judged, tell
from tests.reading.asking import rows, studies
from tests.reading.examinations import examined, order, person, study, uid
from tests.results.making import finding, images, result
from tests.results.rows import change, published


@pytest.fixture
def waiting(fhir: Fhir) -> list[dict[str, str]]:
    """Three studies with orders of three priorities, the routine one oldest."""
    made = []
    for number, priority in ((1, "routine"), (2, "routine"), (3, "urgent"), (4, "stat")):
        made.append(examined(fhir, number, priority=priority))
        fhir.api.clock.time += 60
    return made


def order_of(fhir: Fhir) -> list[int]:
    known = {uid(number): number for number in range(1, 9)}
    return [known[one] for one in studies(fhir)]


def test_a_critical_finding_raises_its_study_and_says_why(fhir: Fhir, waiting: list[dict[str, str]]) -> None:
    assert order_of(fhir) == [4, 3, 1, 2]
    published(fhir.api, waiting[1])
    assert order_of(fhir) == [4, 2, 3, 1]  # among urgent ones the oldest first
    raised = rows(fhir)[1]
    assert raised["priority"] == "urgent"
    assert raised["ai_findings"] == ["Hyperdense region: volume 1.5 mL, mean 66.25 HU (AI, not for diagnosis)"]
    assert studies(fhir, "?priority=urgent") == [uid(2), uid(3)]
    assert studies(fhir, "?priority=routine") == [uid(1)]


def test_it_lowers_none(fhir: Fhir, waiting: list[dict[str, str]]) -> None:
    published(fhir.api, waiting[3])
    assert order_of(fhir) == [4, 3, 1, 2]
    first = rows(fhir)[0]
    assert first["priority"] == "stat"
    assert first["ai_findings"]


NOT_RAISED: dict[str, Callable[[Api, dict[str, str]], object]] = {
    "not-critical": lambda api, one: published(
        api, one, result(images(), findings=(replace(finding(images()[1]), critical=False),))
    ),
    "not-published": lambda api, one: change(api, published(api, one), published_at=None),
    "withdrawn": lambda api, one: change(api, published(api, one), withdrawn_at=1.0),
    "rejected": lambda api, one: change(api, published(api, one), verdict="rejected"),
}


@pytest.mark.parametrize("make", NOT_RAISED.values(), ids=NOT_RAISED.keys())
def test_what_does_not_hold_raises_nothing(
    fhir: Fhir, waiting: list[dict[str, str]], make: Callable[[Api, dict[str, str]], object]
) -> None:
    make(fhir.api, waiting[1])
    assert order_of(fhir) == [4, 3, 1, 2]
    assert all(one["ai_findings"] == [] for one in rows(fhir))


def test_an_accepted_one_goes_on_raising_it(fhir: Fhir, waiting: list[dict[str, str]]) -> None:
    change(fhir.api, published(fhir.api, waiting[1]), verdict="accepted")
    assert order_of(fhir) == [4, 2, 3, 1]


def test_a_study_uid_of_two_patients_is_raised_for_its_own(fhir: Fhir, waiting: list[dict[str, str]]) -> None:
    other = fhir.create(person(8))
    ordered = fhir.create(order(other, priority="routine"))
    fhir.create(study(2, other, (ordered,)))
    published(fhir.api, waiting[1])
    found = [(one["patient"]["patient_id"], one["priority"]) for one in rows(fhir) if one["study"] == uid(2)]
    assert found == [("P-2", "urgent"), ("P-8", "routine")]


def test_a_patient_is_not_told_of_findings(fhir: Fhir) -> None:
    whose = person(1) | {"id": "kim"}
    whose["identifier"] = [{"system": "HOSPITAL", "value": "KIM-1"}]
    assert fhir.ask("PUT", "/Patient/kim", whose).status_code == 201
    made = fhir.create(study(7, "kim"))
    published(fhir.api, {"study": made, "uid": uid(7)})
    [row] = rows(fhir, role=Role.PATIENT)
    assert row["ai_findings"] == []
    assert rows(fhir)[0]["ai_findings"]


def test_a_superseded_job_ends_it(fhir: Fhir, waiting: list[dict[str, str]]) -> None:
    number = published(fhir.api, waiting[1])
    change(fhir.api, number, job_state=State.SUPERSEDED)
    assert withdraw(fhir.api.service) == 1
    assert order_of(fhir) == [4, 3, 1, 2]


def test_the_list_looks_results_up_by_their_index(fhir: Fhir, waiting: list[dict[str, str]]) -> None:
    published(fhir.api, waiting[1])
    database, asked = fhir.api.service.database, []

    def keep(_connection: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        if "fitting" in statement:
            asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", keep)
    studies(fhir)
    event.remove(database.engine, "before_cursor_execute", keep)
    ((statement, parameters),) = asked
    explain = "EXPLAIN QUERY PLAN " if database.engine.dialect.name == "sqlite" else "EXPLAIN "
    with database.engine.connect() as connection:
        if explain == "EXPLAIN ":  # a table of one row is quicker read as a whole
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = [str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters)]
    assert any("result_imaging_study" in one for one in plan), plan


def test_a_job_of_a_study_without_a_result_raises_nothing(fhir: Fhir, waiting: list[dict[str, str]]) -> None:
    tell(fhir.api, judged(f"{uid(2)}.1", study=uid(2), patient_id="P-2", issuer=""))
    assert order_of(fhir) == [4, 3, 1, 2]
