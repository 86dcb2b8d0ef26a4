"""What is written through the API is at an external FHIR server, once and in order, whatever happens on the way."""

from __future__ import annotations

import pytest

from tests.emr.delivering import Sender
from tests.emr.peer import PASSING, Fault, Line
from tests.fhir.asking import Fhir, patient
from tests.fhir.resources import good


def order(fhir: Fhir) -> tuple[str, str, str]:
    """Write a patient, an order and its report; return their ids."""
    kim = fhir.create(patient())
    subject = {"reference": f"Patient/{kim}"}
    ct = fhir.create(good("ServiceRequest", subject=subject, requester=None))
    based = [{"reference": f"ServiceRequest/{ct}"}]
    report = good("DiagnosticReport", subject=subject, basedOn=based, resultsInterpreter=None, imagingStudy=None)
    return kim, ct, fhir.create(report)


def require_whole(line: Line, kim: str, ct: str, report: str) -> None:
    """Require that the server has the three, once each, and that they refer to one another."""
    theirs = {
        kind: line.one(kind, id_)
        for kind, id_ in (("Patient", kim), ("ServiceRequest", ct), ("DiagnosticReport", report))
    }
    subject = {"reference": f"Patient/{theirs['Patient']['id']}"}
    assert theirs["ServiceRequest"]["subject"] == subject
    assert theirs["DiagnosticReport"]["subject"] == subject
    assert theirs["DiagnosticReport"]["basedOn"] == [{"reference": f"ServiceRequest/{theirs['ServiceRequest']['id']}"}]
    assert line.taken == ["Patient", "ServiceRequest", "DiagnosticReport"]


def test_a_patient_an_order_and_a_report_arrive_in_order(sender: Sender) -> None:
    ids = order(sender.fhir)
    sender.work()
    require_whole(sender.line, *ids)
    assert sender.states() == {"completed": 3}


@pytest.mark.parametrize("fault", PASSING, ids=[fault.name for fault in PASSING])
def test_a_fault_at_every_write_loses_and_repeats_nothing(sender: Sender, fault: Fault) -> None:
    sender.line.faults = [fault] * 3
    ids = order(sender.fhir)
    sender.settle()
    require_whole(sender.line, *ids)
    assert sender.line.suffered == [fault] * 3


def test_a_server_that_is_away_for_hours_costs_no_attempt(sender: Sender) -> None:
    sender.line.down = True
    ids = order(sender.fhir)
    for _ in range(60):
        sender.work()
        sender.clock.time += 120
    assert sender.line.taken == []
    assert set(sender.states()) <= {"pending", "failed"}
    sender.line.down = False
    sender.settle()
    require_whole(sender.line, *ids)


def test_an_update_whose_answer_was_lost_is_written_once(sender: Sender) -> None:
    kim = sender.fhir.create(patient())
    sender.work()
    sender.line.faults = [Fault.DROP_ANSWER]
    assert sender.fhir.ask("PUT", f"/Patient/{kim}", patient(id=kim, gender="female")).status_code == 200
    sender.settle()
    theirs = sender.line.one("Patient", kim)
    assert [one.get("gender") for one in sender.line.history("Patient", theirs["id"])] == ["female", None]
    assert sender.conflicts() == []
