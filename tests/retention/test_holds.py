"""Placing and lifting legal holds: who may, what Orthanc is told, and what the API itself refuses then."""

from __future__ import annotations

from typing import Any

import pytest

from cdss_api.holds.holding import is_held
from cdss_api.imaging.correcting import Move
from cdss_api.imaging.corrections import begin
from cdss_api.merging.deciding import Decision, decide
from cdss_api.merging.merging import State
from cdss_api.merging.models import Merge
from neuronova.contract.grants import HoldChange
from neuronova.contract.roles import Role
from neuronova.contract.studies import Event, StudyKey, to_json
from neuronova.web.problems import Problem
from tests.accounts.api import TESTER, Api, code_of, json_of
from tests.imaging.studies import a_study

WHY = "Claim 7 of 2026, the court's letter"
STUDY = StudyKey("1.2.3", "P-100", "HOSPITAL")
OTHER = StudyKey("1.2.4", "P-100", "HOSPITAL")
STRANGERS = StudyKey("1.2.4", "P-100", "CLINIC")


def tell(api: Api, *events: Event) -> None:
    answer = api.client.post("/api/v1/internal/events", json=to_json(events), headers=api.internal())
    assert json_of(answer) == {"taken": len(events), "refused": 0}


def place(api: Api, who: dict[str, str], **what: Any) -> Any:
    return api.client.post("/api/v1/holds", json={"reason": WHY, **what}, headers=who)


def lift(api: Api, who: dict[str, str], number: int) -> Any:
    return api.client.post(f"/api/v1/holds/{number}/lift", json={"reason": "The claim was settled."}, headers=who)


@pytest.fixture
def two(api: Api) -> tuple[dict[str, str], dict[str, str]]:
    """Two admins, and a stored study."""
    tell(api, a_study())
    api.person(Role.ADMIN, "second")
    return api.admin(), api.bearer("second")


def held(api: Api, key: StudyKey) -> bool:
    with api.service.database.reading() as session:
        return is_held(session, key)


def test_a_study_is_held_until_another_person_lifts_it(api: Api, two: tuple[dict[str, str], dict[str, str]]) -> None:
    first, second = two
    version = api.update().version
    placed = place(api, first, study=STUDY.study)
    assert placed.status_code == 201, placed.text
    number = json_of(placed)["number"]
    assert held(api, STUDY)
    assert not held(api, OTHER)
    told = HoldChange(hold=str(number), held=True, patient_id="P-100", issuer="HOSPITAL", study="1.2.3")
    assert api.update(version).changes == (told,)
    assert told in api.update(0).changes
    assert code_of(lift(api, first, number)) == "own_hold"
    assert held(api, STUDY)
    assert lift(api, second, number).status_code == 200
    assert not held(api, STUDY)
    assert [change.held for change in api.update(version).changes if isinstance(change, HoldChange)] == [True, False]
    assert not [change for change in api.update(0).changes if isinstance(change, HoldChange)]
    assert code_of(lift(api, second, number)) == "lifted_already"
    (row,) = json_of(api.client.get("/api/v1/holds?state=lifted", headers=first))["holds"]
    assert (row["placed_by"], row["lifted_by"], row["reason"]) == ("admin", "second", WHY)
    assert [one for one in api.journal.actions() if "hold" in one] == ["hold done", "hold-lift done", "hold-list done"]
    (event,) = [one for one in api.journal.events if one["action"] == "hold"]
    assert event["detail"] == {"hold": str(number), "study": "1.2.3", "why": WHY}


def test_a_patient_is_held_with_all_studies(api: Api, two: tuple[dict[str, str], dict[str, str]]) -> None:
    assert place(api, two[0], patient_id="P-100", issuer="HOSPITAL").status_code == 201
    assert held(api, STUDY)
    assert held(api, OTHER)
    assert not held(api, STRANGERS)


def test_what_two_holds_keep_stays_when_one_is_lifted(api: Api, two: tuple[dict[str, str], dict[str, str]]) -> None:
    first = json_of(place(api, two[0], study=STUDY.study))["number"]
    place(api, two[0], patient_id="P-100", issuer="HOSPITAL")
    assert lift(api, two[1], first).status_code == 200
    assert held(api, STUDY)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"study": "1.2.99"}, "no_such_study"),
        ({"patient_id": "P-100", "issuer": "CLINIC"}, "no_such_patient"),
        ({}, "invalid_input"),
        ({"study": "1.2.3", "patient_id": "P-100"}, "invalid_input"),
        ({"study": "1.2.3", "reason": "short"}, "invalid_input"),
        ({"study": "x"}, "invalid_input"),
    ],
)
def test_what_cannot_be_held(
    api: Api, two: tuple[dict[str, str], dict[str, str]], what: dict[str, str], code: str
) -> None:
    assert code_of(place(api, two[0], **what)) == code


def test_a_hold_that_there_is_not(api: Api, two: tuple[dict[str, str], dict[str, str]]) -> None:
    assert code_of(lift(api, two[0], 999)) == "no_such_hold"


@pytest.mark.parametrize("role", [Role.RADIOLOGIST, Role.DOCTOR, Role.TECHNOLOGIST])
def test_others_may_not(api: Api, role: Role) -> None:
    api.person(role)
    who = api.bearer(role.value)
    assert place(api, who, study="1.2.3").status_code == 403
    assert api.client.get("/api/v1/holds", headers=who).status_code == 403


def test_what_cannot_be_recorded_is_not_held(api: Api, two: tuple[dict[str, str], dict[str, str]]) -> None:
    api.journal.broken = True
    assert place(api, two[0], study=STUDY.study).status_code == 500
    assert not held(api, STUDY)


def move(key: StudyKey) -> Move:
    values = {"PatientID": "P-200", "IssuerOfPatientID": "HOSPITAL"}
    return Move(orthanc="a-b-c-d-e", study_uid=key.study, series=["f"], before=key[1:], values=values)


def test_no_correction_of_a_held_study_begins(api: Api, two: tuple[dict[str, str], dict[str, str]]) -> None:
    place(api, two[0], study=STUDY.study)

    def correct(*keys: StudyKey) -> None:
        moves = [move(key) for key in keys]
        with api.service.database.writing() as session:
            begin(session, part="tests", part_id="1", decision="correct", moves=moves, keeps=False, now=api.clock())

    with pytest.raises(Problem) as refused:
        correct(OTHER, STUDY)
    assert (refused.value.code, refused.value.problem_code) == (409, "legal_hold")
    correct(OTHER)


def test_no_merge_whose_originals_are_held_is_confirmed(api: Api, two: tuple[dict[str, str], dict[str, str]]) -> None:
    placed = place(api, two[0], study=STUDY.study)
    merged = Merge(
        merge_id="1", source="a", target="b", state=State.MERGED, written=[], studies=[move(STUDY).to_json()],
        correction_id=None, made=api.clock(), made_by="tests",
    )  # fmt: skip
    with api.service.database.writing() as session:
        session.add(merged)
    with pytest.raises(Problem) as refused:
        decide(api.service, TESTER, "1", Decision.CONFIRM)
    assert (refused.value.code, refused.value.problem_code) == (409, "legal_hold")
    assert lift(api, two[1], json_of(placed)["number"]).status_code == 200
    decide(api.service, TESTER, "1", Decision.CONFIRM)
    with api.service.database.reading() as session:
        assert session.get_one(Merge, "1").state == State.CONFIRMED
