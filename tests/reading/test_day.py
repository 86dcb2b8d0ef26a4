"""The technologist's day: what is planned, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from cdss_api.worklist.mapping import AE_TITLE
from cdss_api.worklist.reading import read_entries
from neuronova.contract.roles import Role
from tests.accounts.api import code_of, json_of
from tests.fhir.asking import Fhir
from tests.reading.asking import save
from tests.reading.examinations import order, person, study, uid

DAY = "2027-01-15"


def rows(fhir: Fhir, day: str = DAY, role: Role = Role.TECHNOLOGIST) -> list[dict[str, Any]]:
    answer = fhir.api.client.get(f"/api/v1/worklist/day?day={day}", headers=fhir.header(role))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = json_of(answer)["orders"]
    return found


def say(fhir: Fhir, order_: str, performed: str, role: Role = Role.TECHNOLOGIST, **more: str) -> TestResponse:
    body = {"performed": performed} | more
    return fhir.api.client.put(f"/api/v1/worklist/orders/{order_}", json=body, headers=fhir.header(role))


@pytest.fixture
def planned(fhir: Fhir) -> dict[str, str]:
    """One order by its own date, one by an appointment on another day, one that is no imaging."""
    whom = fhir.create(person(1))
    station = {"resourceType": "Device", "identifier": [{"system": AE_TITLE, "value": "CT_ONE"}]}
    device = fhir.create(station)
    own = fhir.create(order(whom, occurrenceDateTime=f"{DAY}T09:30:00+09:00", priority="urgent"))
    booked = fhir.create(order(whom, occurrenceDateTime="2027-03-01"))
    appointment = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": f"{DAY}T08:00:00+09:00",
        "end": f"{DAY}T08:30:00+09:00",
        "basedOn": [{"reference": f"ServiceRequest/{booked}"}],
        "participant": [
            {"actor": {"reference": f"Patient/{whom}"}, "status": "accepted"},
            {"actor": {"reference": f"Device/{device}"}, "status": "accepted"},
        ],
    }
    fhir.create(appointment)
    fhir.create(order(whom, occurrenceDateTime=DAY, category=[{"text": "Laboratory"}], orderDetail=[{"text": "x"}]))
    return {"patient": whom, "own": own, "booked": booked}


def test_the_day_is_in_the_order_of_its_times(fhir: Fhir, planned: dict[str, str]) -> None:
    found = rows(fhir)
    assert [(one["order"], one["time"]) for one in found] == [(planned["booked"], "08:00"), (planned["own"], "09:30")]
    assert found[0]["stations"] == ["CT_ONE"]
    assert (found[1]["modality"], found[1]["priority"], found[1]["progress"]) == ("CT", "urgent", "scheduled")
    assert rows(fhir, "2027-03-01") == []
    assert rows(fhir, "2027-01-14") == []


def test_arrived_done_and_back(fhir: Fhir, planned: dict[str, str]) -> None:
    def entries() -> set[str]:
        with fhir.api.service.database.reading() as session:
            return {entry.order for entry in read_entries(session)}

    def now() -> tuple[str, str, str]:
        [row] = [one for one in rows(fhir) if one["order"] == planned["own"]]
        return row["progress"], row["performed"], row["time"]

    both = {planned["own"], planned["booked"]}
    for performed, progress, left in (
        ("arrived", "arrived", both),
        ("done", "in-progress", {planned["booked"]}),
        ("arrived", "arrived", both),
        ("done", "in-progress", {planned["booked"]}),
    ):
        assert say(fhir, planned["own"], performed).status_code == 200
        assert now() == (progress, performed, "09:30")
        assert entries() == left
    assert len(fhir.found("/Task")) == 1  # whose versions say the rest
    fhir.create(study(1, planned["patient"], (planned["own"],)))
    assert save(fhir, uid(1), "final").status_code == 200
    assert now()[0] == "signed"


def test_not_done_has_a_reason_and_leaves_the_order_open(fhir: Fhir, planned: dict[str, str]) -> None:
    assert code_of(say(fhir, planned["own"], "not-done")) == "invalid_input"
    assert code_of(say(fhir, planned["own"], "not-done", reason="  ")) == "invalid_input"
    assert say(fhir, planned["own"], "not-done", reason="조영제 알레르기").status_code == 200
    [row] = [one for one in rows(fhir) if one["order"] == planned["own"]]
    assert (row["progress"], row["not_done_reason"]) == ("scheduled", "조영제 알레르기")
    say(fhir, planned["own"], "arrived")
    assert [one["not_done_reason"] for one in rows(fhir)] == ["", ""]


@pytest.mark.parametrize("role", [Role.NURSE, Role.PATIENT])
def test_who_may_not_write_orders_says_nothing(fhir: Fhir, planned: dict[str, str], role: Role) -> None:
    assert code_of(say(fhir, planned["own"], "arrived", role)) == "forbidden"


def test_of_what_one_does_not_see_nothing_is_said(fhir: Fhir, planned: dict[str, str]) -> None:
    assert rows(fhir, role=Role.DOCTOR) == []
    assert say(fhir, planned["own"], "arrived", Role.DOCTOR).status_code == 404
    assert say(fhir, "nothing", "arrived").status_code == 404


def test_a_withdrawn_order_is_not_carried_out(fhir: Fhir, planned: dict[str, str]) -> None:
    resource = fhir.ask("GET", f"/ServiceRequest/{planned['own']}").get_json(force=True)
    fhir.ask("PUT", f"/ServiceRequest/{planned['own']}", resource | {"status": "revoked"})
    assert code_of(say(fhir, planned["own"], "done")) == "not_open"
    assert "cancelled" in {one["progress"] for one in rows(fhir)}
