"""A patient's care teams as grants: who is in one sees the patient, at once and no longer than that."""

from __future__ import annotations

from typing import Any

import pytest

from neuronova.contract.grants import GrantChange, Ground
from neuronova.contract.roles import Role
from tests.accounts.api import KIM
from tests.fhir.asking import Fhir, patient

ACCOUNT = "urn:neuronova:account"


@pytest.fixture
def ward(fhir: Fhir) -> Fhir:
    """Two patients, and a Practitioner for the doctor and for the nurse."""
    kim = patient(KIM.patient_id, id="kim")
    kim["identifier"][0]["system"] = KIM.issuer
    for body in (kim, patient("P2", id="other"), practitioner(Role.DOCTOR), practitioner(Role.NURSE)):
        assert fhir.ask("PUT", f"/{body['resourceType']}/{body['id']}", body).status_code == 201
    fhir.account(Role.DOCTOR)
    fhir.account(Role.NURSE)
    return fhir


def practitioner(role: Role, username: str = "") -> dict[str, Any]:
    identifier = [{"system": ACCOUNT, "value": username or role.value}]
    return {"resourceType": "Practitioner", "id": role.value, "identifier": identifier}


def team(*members: Role, whose: str = "kim", status: str = "active", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "CareTeam",
        "id": "team",
        "status": status,
        "subject": {"reference": f"Patient/{whose}"},
        "participant": [{"member": {"reference": f"Practitioner/{one.value}"}} for one in members],
        **more,
    }


def put(ward: Fhir, body: dict[str, Any]) -> None:
    answer = ward.ask("PUT", f"/{body['resourceType']}/{body['id']}", body)
    assert answer.status_code in (200, 201), answer.text


def sees(ward: Fhir, role: Role = Role.DOCTOR) -> list[str]:
    return sorted(ward.found("/Patient", role))


def test_members_see_the_patient_until_they_are_members_no_more(ward: Fhir) -> None:
    put(ward, team(Role.DOCTOR, Role.NURSE))
    assert (sees(ward), sees(ward, Role.NURSE)) == (["kim"], ["kim"])
    put(ward, team(Role.NURSE))
    assert (sees(ward), sees(ward, Role.NURSE)) == ([], ["kim"])
    assert ward.ask("DELETE", "/CareTeam/team").status_code == 204
    assert sees(ward, Role.NURSE) == []


def test_the_plugin_is_told(ward: Fhir) -> None:
    since = ward.api.update().version
    put(ward, team(Role.DOCTOR))
    put(ward, team(Role.DOCTOR, status="inactive"))
    told = [one for one in ward.api.update(since).changes if isinstance(one, GrantChange)]
    doctor = ward.account(Role.DOCTOR)
    assert [(one.account, one.patient_id, one.issuer, one.ground, one.granted) for one in told] == [
        (doctor, *KIM, Ground.CARE_TEAM_RESOURCE, True),
        (doctor, *KIM, Ground.CARE_TEAM_RESOURCE, False),
    ]


def test_a_team_that_goes_to_another_patient_leaves_the_first(ward: Fhir) -> None:
    put(ward, team(Role.DOCTOR))
    put(ward, team(Role.DOCTOR, whose="other"))
    assert sees(ward) == ["other"]


def test_two_teams_of_a_patient_do_not_take_from_one_another(ward: Fhir) -> None:
    put(ward, team(Role.DOCTOR))
    put(ward, team(Role.DOCTOR) | {"id": "second"})
    ward.ask("DELETE", "/CareTeam/team")
    assert sees(ward) == ["kim"]
    ward.ask("DELETE", "/CareTeam/second")
    assert sees(ward) == []


def test_what_was_granted_one_by_one_stays(ward: Fhir) -> None:
    body = {"patient_id": KIM.patient_id, "issuer": KIM.issuer}
    path = f"/api/v1/users/{ward.account(Role.DOCTOR)}/grants"
    assert ward.api.client.post(path, json=body, headers=ward.header(Role.ADMIN)).status_code == 201
    put(ward, team(Role.DOCTOR))
    ward.ask("DELETE", "/CareTeam/team")
    assert sees(ward) == ["kim"]


def test_a_membership_ends_with_its_period(ward: Fhir) -> None:
    put(ward, team(Role.DOCTOR, period={"end": "2027-01-15"}))
    assert sees(ward) == ["kim"]
    ward.api.clock.time += 86400
    ward.forget()
    assert sees(ward) == []
    put(ward, team(Role.DOCTOR, period={"end": "2020"}))
    put(ward, team(Role.DOCTOR, period={"start": "2100"}))
    assert sees(ward) == []


def test_another_identifier_is_another_patient(ward: Fhir) -> None:
    put(ward, team(Role.DOCTOR))
    put(ward, patient("NEW", id="kim"))
    assert sees(ward) == ["kim"]
    granted = {one.patient_id for one in ward.api.update().changes if isinstance(one, GrantChange)}
    assert granted == {"NEW"}


def test_a_practitioner_of_another_account_takes_it_along(ward: Fhir) -> None:
    put(ward, team(Role.DOCTOR))
    put(ward, practitioner(Role.DOCTOR, username="nurse"))
    assert (sees(ward), sees(ward, Role.NURSE)) == ([], ["kim"])


def test_a_team_gives_nothing_to_whom_no_team_gives_anything(ward: Fhir) -> None:
    ward.account(Role.PATIENT)
    put(ward, practitioner(Role.PATIENT))
    ward.account(Role.TECHNOLOGIST)
    put(ward, practitioner(Role.TECHNOLOGIST))
    put(ward, team(Role.TECHNOLOGIST, Role.PATIENT, whose="other"))
    assert sees(ward, Role.TECHNOLOGIST) == []
    assert [one for one in ward.api.update().changes if isinstance(one, GrantChange) and one.patient_id == "P2"] == []


def test_a_team_within_a_transaction_counts_with_it(ward: Fhir) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"request": {"method": "PUT", "url": "CareTeam/team"}, "resource": team(Role.DOCTOR)},
            {"request": {"method": "DELETE", "url": "Patient/none"}},
        ],
    }
    assert ward.ask("POST", "", bundle).status_code == 200
    assert sees(ward) == ["kim"]
