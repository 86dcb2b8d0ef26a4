"""Steps that came before their order was known, on both databases."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from cdss_api.mpps.keeping import Steps
from cdss_api.mpps.reading import read_change
from neuronova.contract.audit import Event
from neuronova.contract.roles import Role
from tests.accounts.api import Api
from tests.fhir.asking import Fhir
from tests.mpps.telling import STATION, end, reason, scheduled
from tests.mpps.test_keeping import CT, ELSEWHERE, begin, day, ordered, said
from tests.reading.examinations import order, person
from tests.worklist.orders import typed

OF_STUDY = {"system": "urn:dicom:uid", "value": f"urn:oid:{ELSEWHERE}"}


@pytest.fixture
def steps(fhir: Fhir) -> Steps:
    return Steps(service=fhir.api.service)


def unscheduled(fhir: Fhir) -> list[str]:
    return [one["uid"] for one in day(fhir)["unscheduled"]]


@pytest.mark.parametrize("status", ["IN PROGRESS", "COMPLETED", "DISCONTINUED"])
def test_an_order_that_comes_later_is_carried_out_by_its_step(fhir: Fhir, steps: Steps, status: str) -> None:
    whom = fhir.create(person(1))
    begin(steps, "1.2.1", scheduled(ELSEWHERE, "A-1", "A-1"))
    if status != "IN PROGRESS":
        why = {"PerformedProcedureStepDiscontinuationReasonCodeSequence": reason("Patient refused")}
        steps.change(CT, "1.2.1", read_change(end(status, **why)))
    assert unscheduled(fhir) == ["1.2.1"]
    id_ = ordered(fhir, whom, "A-1")
    assert unscheduled(fhir) == []
    [row] = day(fhir)["orders"]
    assert [(one["uid"], one["station"], one["status"]) for one in row["steps"]] == [("1.2.1", STATION, status)]
    expected = {"IN PROGRESS": "started", "COMPLETED": "done", "DISCONTINUED": "not-done"}
    assert said(fhir) == {id_: expected[status]}
    if status == "IN PROGRESS":
        steps.change(CT, "1.2.1", read_change(end()))
        assert said(fhir) == {id_: "done"}


def test_it_is_found_by_its_study_alone(fhir: Fhir, steps: Steps) -> None:
    begin(steps, "1.2.1", scheduled(ELSEWHERE, "", ""))
    whom = fhir.create(person(1))
    id_ = fhir.create(order(whom, occurrenceDateTime="2026-04-01", identifier=[OF_STUDY]))
    assert said(fhir) == {id_: "started"}


def test_the_patient_may_come_last(fhir: Fhir, steps: Steps) -> None:
    nameless = person(1)
    identifiers = nameless.pop("identifier")
    whom = fhir.create(nameless)
    id_ = ordered(fhir, whom, "A-1")
    begin(steps, "1.2.1", scheduled(ELSEWHERE, "A-1", "A-1"))
    assert said(fhir) == {id_: ""}
    fhir.ask("PUT", f"/Patient/{whom}", nameless | {"id": whom, "identifier": identifiers})
    assert said(fhir) == {id_: "started"}


def test_the_patient_may_have_been_replaced_meanwhile(fhir: Fhir, steps: Steps) -> None:
    old, new = fhir.create(person(1)), fhir.create(person(2))
    begin(steps, "1.2.1", scheduled(ELSEWHERE, "A-1", "A-1"))
    for whom, number, type_, other in ((old, 1, "replaced-by", new), (new, 2, "replaces", old)):
        link = [{"type": type_, "other": {"reference": f"Patient/{other}"}}]
        fhir.ask("PUT", f"/Patient/{whom}", person(number) | {"id": whom, "link": link})
    assert said(fhir) == {}
    id_ = ordered(fhir, new, "A-1")
    assert said(fhir) == {id_: "started"}


def test_a_corrected_accession_number_finds_its_step(fhir: Fhir, steps: Steps) -> None:
    id_ = ordered(fhir, fhir.create(person(1)), "A-2")
    begin(steps, "1.2.1", scheduled(ELSEWHERE, "A-1", "A-1"))
    resource = fhir.ask("GET", f"/ServiceRequest/{id_}").get_json(force=True)
    fhir.ask("PUT", f"/ServiceRequest/{id_}", resource | {"identifier": [typed("ACSN", "A-1")]})
    assert said(fhir) == {id_: "started"}


def test_each_order_of_a_step_may_come_when_it_will(fhir: Fhir, steps: Steps) -> None:
    whom = fhir.create(person(1))
    first = ordered(fhir, whom, "A-1")
    begin(steps, "1.2.1", *(scheduled(ELSEWHERE, accession, accession) for accession in ("A-1", "A-2")))
    assert said(fhir) == {first: "started"}
    second = ordered(fhir, whom, "A-2")
    assert said(fhir) == {first: "started", second: "started"}


@pytest.mark.parametrize(("number", "accession"), [(2, "A-1"), (1, "A-2")], ids=["patient", "accession"])
def test_an_order_of_another_is_left_alone(fhir: Fhir, steps: Steps, number: int, accession: str) -> None:
    begin(steps, "1.2.1", scheduled(ELSEWHERE, "A-1", "A-1"))
    id_ = ordered(fhir, fhir.create(person(number)), accession)
    assert (said(fhir), unscheduled(fhir)) == ({id_: ""}, ["1.2.1"])


def test_what_was_said_after_the_step_stays(fhir: Fhir, steps: Steps) -> None:
    id_ = ordered(fhir, fhir.create(person(1)), "A-2")
    begin(steps, "1.2.1", scheduled(ELSEWHERE, "A-1", "A-1"))
    fhir.api.clock.time += 60
    path, body = f"/api/v1/worklist/orders/{id_}", {"performed": "done"}
    answer = fhir.api.client.put(path, json=body, headers=fhir.header(Role.TECHNOLOGIST))
    assert answer.status_code == 200, answer.text
    resource = fhir.ask("GET", f"/ServiceRequest/{id_}").get_json(force=True)
    fhir.ask("PUT", f"/ServiceRequest/{id_}", resource | {"identifier": [typed("ACSN", "A-1")]})
    assert (said(fhir), unscheduled(fhir)) == ({id_: "done"}, [])


def test_it_is_one_transaction_with_the_order_and_recorded(fhir: Fhir, steps: Steps) -> None:
    whom = fhir.create(person(1))
    begin(steps, "1.2.1", scheduled(ELSEWHERE, "A-1", "A-1"))
    task: dict[str, Any] = {"resourceType": "Task", "status": "no such status", "intent": "order"}
    made = order(whom, occurrenceDateTime="2026-04-01", identifier=[typed("ACSN", "A-1")])
    entries = [{"resource": one, "request": {"method": "POST", "url": one["resourceType"]}} for one in (made, task)]
    answer = fhir.ask("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code >= 400
    assert (said(fhir), unscheduled(fhir), matched(fhir.api)) == ({}, ["1.2.1"], [])
    id_ = ordered(fhir, whom, "A-1")
    assert matched(fhir.api) == [("P-1", "1.2.1", id_)]
    resource = fhir.ask("GET", f"/ServiceRequest/{id_}").get_json(force=True)
    fhir.ask("PUT", f"/ServiceRequest/{id_}", resource | {"priority": "stat"})
    assert len(matched(fhir.api)) == 1


def test_an_order_that_comes_while_its_step_is_kept_waits_for_it(
    fhir: Fhir, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    whom = fhir.create(person(1))
    fhir.header(Role.ADMIN)
    kept, accesses = threading.Event(), fhir.api.service.accesses
    record = accesses.begin

    def slow(event: Event) -> object:
        if event.route == "N-CREATE MPPS":
            kept.set()
            time.sleep(1.0)
        return record(event)

    monkeypatch.setattr(accesses, "begin", slow)
    telling = threading.Thread(target=begin, args=(steps, "1.2.1", scheduled(ELSEWHERE, "A-1", "A-1")))
    telling.start()
    assert kept.wait(60)
    id_ = ordered(fhir, whom, "A-1")
    telling.join()
    assert said(fhir) == {id_: "started"}


def matched(api: Api) -> list[tuple[str, str, str]]:
    return [
        (event["patient"].patient_id, event["detail"]["step"], event["detail"]["order"])
        for event in api.journal.events
        if event["action"] == "step-match"
    ]
