"""Steps that are kept, and what their orders then say, on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cdss_api.metrics.groups import reading
from cdss_api.mpps.keeping import Sender, Steps
from cdss_api.mpps.models import PerformedStep
from cdss_api.mpps.reading import read_change, read_creation
from cdss_api.mpps.steps import Failure, Refused
from cdss_api.worklist.mapping import study_uid
from neuronova.audit.files import JournalFailed
from neuronova.contract.roles import Role
from tests.fhir.asking import Fhir
from tests.mpps.telling import STATION, creation, end, reason, scheduled
from tests.reading.examinations import order, person
from tests.worklist.orders import typed

CT = Sender(title=STATION, address="127.0.0.1", issuer="")
DAY, EARLIER = "2026-04-01", "2026-03-31"
ELSEWHERE = "1.2.826.0.1.3680043.10.9"  # a study that no order plans


@pytest.fixture
def steps(fhir: Fhir) -> Steps:
    return Steps(service=fhir.api.service)


def ordered(fhir: Fhir, whom: str, accession: str) -> str:
    return fhir.create(order(whom, occurrenceDateTime=DAY, identifier=[typed("ACSN", accession)]))


def begin(steps: Steps, uid: str, *items: Any, patient: str = "P-1", sender: Sender = CT) -> None:
    asked = creation(*items, PatientID=patient, IssuerOfPatientID=None, PerformedProcedureStepStartTime="120000")
    steps.create(sender, uid, read_creation(asked))


def planned(id_: str, accession: str) -> Any:
    return scheduled(study_uid({"id": id_}), accession, accession)


def day(fhir: Fhir, role: Role = Role.TECHNOLOGIST, of: str = DAY) -> dict[str, Any]:
    answer = fhir.api.client.get(f"/api/v1/worklist/day?day={of}", headers=fhir.header(role))
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def said(fhir: Fhir) -> dict[str, str]:
    return {one["order"]: one["performed"] for one in day(fhir)["orders"]}


def test_a_step_is_shown_with_its_order(fhir: Fhir, steps: Steps) -> None:
    id_ = ordered(fhir, fhir.create(person(1)), "A-1")
    begin(steps, "1.2.1", planned(id_, "A-1"))
    [row] = day(fhir)["orders"]
    [step] = row["steps"]
    assert (step["station"], step["status"], step["ended"], step["series"]) == (STATION, "IN PROGRESS", "", 0)
    why = {"PerformedProcedureStepDiscontinuationReasonCodeSequence": reason("Patient refused")}
    steps.change(CT, "1.2.1", read_change(end("DISCONTINUED", **why)))
    [row] = day(fhir)["orders"]
    [step] = row["steps"]
    assert (step["status"], step["reason"], step["series"]) == ("DISCONTINUED", "Patient refused", 2)
    assert (row["performed"], row["not_done_reason"], row["progress"]) == ("not-done", "Patient refused", "scheduled")
    begin(steps, "1.2.2", planned(id_, "A-1"))
    steps.change(CT, "1.2.2", read_change(end()))
    assert said(fhir) == {id_: "done"}
    assert day(fhir)["unscheduled"] == []


def test_one_step_may_carry_out_several_orders(fhir: Fhir, steps: Steps) -> None:
    whom = fhir.create(person(1))
    both = [ordered(fhir, whom, accession) for accession in ("A-1", "A-2")]
    begin(steps, "1.2.1", *(planned(id_, accession) for id_, accession in zip(both, ("A-1", "A-2"), strict=True)))
    assert said(fhir) == dict.fromkeys(both, "started")


def test_of_orders_with_one_accession_number_the_study_names_one(fhir: Fhir, steps: Steps) -> None:
    whom = fhir.create(person(1))
    head, chest = (ordered(fhir, whom, "A-1") for _ in range(2))
    begin(steps, "1.2.1", planned(head, "A-1"))
    assert said(fhir) == {head: "started", chest: ""}
    begin(steps, "1.2.2", scheduled(ELSEWHERE, "A-1", "A-1"))
    assert said(fhir) == {head: "started", chest: ""}
    assert [one["uid"] for one in day(fhir)["unscheduled"]] == ["1.2.2"]


@pytest.mark.parametrize("patient", ["", "P-2", "P-3"])
def test_a_step_of_another_patient_is_kept_without_the_order(fhir: Fhir, steps: Steps, patient: str) -> None:
    id_ = ordered(fhir, fhir.create(person(1)), "A-1")
    fhir.create(person(2))
    begin(steps, "1.2.1", planned(id_, "A-1"), patient=patient)
    assert said(fhir) == {id_: ""}
    [step] = day(fhir)["unscheduled"]
    assert (step["patient_id"], step["accession_numbers"], step["status"]) == (patient, ["A-1"], "IN PROGRESS")
    steps.change(CT, "1.2.1", read_change(end()))
    assert said(fhir) == {id_: ""}


def test_steps_without_an_order_are_for_who_may_match_studies(fhir: Fhir, steps: Steps) -> None:
    begin(steps, "1.2.1", scheduled(ELSEWHERE, "", ""))
    assert [len(day(fhir, role)["unscheduled"]) for role in (Role.TECHNOLOGIST, Role.NURSE, Role.DOCTOR)] == [1, 0, 0]
    assert day(fhir, of=EARLIER)["unscheduled"] == []


def test_the_issuer_is_the_senders_where_none_is_named(fhir: Fhir, steps: Steps) -> None:
    identified = {"identifier": [{"system": "urn:neuronova:issuer:HOSPITAL", "value": "P-7"}]}
    id_ = ordered(fhir, fhir.create(person(7) | identified), "A-7")
    begin(steps, "1.2.1", planned(id_, "A-7"), patient="P-7")
    assert said(fhir) == {id_: ""}
    begin(steps, "1.2.2", planned(id_, "A-7"), patient="P-7", sender=replace(CT, issuer="HOSPITAL"))
    assert said(fhir) == {id_: "started"}


def test_steps_that_go_on_are_counted(fhir: Fhir, steps: Steps) -> None:
    def counted() -> float:
        with fhir.api.service.database.reading() as session:
            [found] = [
                one for one in reading(session, steps.service.now()) if one.name == "neuronova_steps_in_progress"
            ]
            return found.samples[0].value

    begin(steps, "1.2.1")
    assert counted() == 1
    steps.change(CT, "1.2.1", read_change(end()))
    assert counted() == 0


def test_a_withdrawn_order_stays_withdrawn(fhir: Fhir, steps: Steps) -> None:
    id_ = ordered(fhir, fhir.create(person(1)), "A-1")
    resource = fhir.ask("GET", f"/ServiceRequest/{id_}").get_json(force=True)
    fhir.ask("PUT", f"/ServiceRequest/{id_}", resource | {"status": "revoked"})
    begin(steps, "1.2.1", planned(id_, "A-1"))
    [row] = day(fhir)["orders"]
    assert (row["performed"], row["progress"], len(row["steps"])) == ("", "cancelled", 1)


def test_what_is_there_or_not_there_is_refused(fhir: Fhir, steps: Steps) -> None:
    begin(steps, "1.2.1")
    with pytest.raises(Refused) as refused:
        begin(steps, "1.2.1")
    assert refused.value.status == Failure.DUPLICATE_INSTANCE
    with pytest.raises(Refused) as refused:
        steps.change(CT, "1.2.9", read_change(end()))
    assert refused.value.status == Failure.NO_SUCH_INSTANCE
    with pytest.raises(Refused) as refused:
        steps.change(replace(CT, title="MR_ONE"), "1.2.1", read_change(end()))
    assert refused.value.status == Failure.NOT_AUTHORISED


def test_what_cannot_be_recorded_is_not_kept(fhir: Fhir, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = ordered(fhir, fhir.create(person(1)), "A-1")

    def full(_event: object) -> None:
        raise JournalFailed("no room")

    with monkeypatch.context() as patched:
        patched.setattr(fhir.api.service.accesses, "begin", full)
        with pytest.raises(JournalFailed):
            begin(steps, "1.2.1", planned(id_, "A-1"))
    with fhir.api.service.database.reading() as session:
        assert session.get(PerformedStep, "1.2.1") is None
    assert said(fhir) == {id_: ""}
