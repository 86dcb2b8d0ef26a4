"""Whose id is whose: references, what was sent before, what somebody else wrote, and what was deleted."""

from __future__ import annotations

import json

import requests

from cdss_api.outbox.operations import retry
from cdss_api.outbox.outgoing import RESOURCE
from tests.emr.delivering import Sender
from tests.emr.peer import Fault
from tests.fhir.asking import patient
from tests.fhir.resources import good
from tests.patience import PATIENCE


def change(sender: Sender, kind: str, remote: str, **members: str) -> None:
    """Write to a resource at the server as somebody else does."""
    url = f"{sender.line.upstream}/{kind}/{remote}"
    document = requests.get(url, timeout=PATIENCE).json() | members
    headers = {"Content-Type": "application/fhir+json"}
    assert requests.put(url, json=document, headers=headers, timeout=PATIENCE).status_code == 200


def update(sender: Sender, kim: str, **members: str) -> None:
    assert sender.fhir.ask("PUT", f"/Patient/{kim}", patient(id=kim, **members)).status_code in (200, 201)


def test_what_a_message_refers_to_goes_first(sender: Sender) -> None:
    sender.line.down = True
    kim = sender.fhir.create(patient())
    lee = sender.fhir.create(good("Practitioner"))
    sender.fhir.create(
        good(
            "ServiceRequest",
            subject={"reference": f"Patient/{kim}/_history/1"},
            requester={"reference": f"Practitioner/{lee}", "display": "Lee"},
        )
    )
    sender.work()
    sender.line.down = False
    sender.settle()
    assert sorted(sender.line.taken) == ["Patient", "Practitioner", "ServiceRequest"]
    assert sender.line.taken.index("ServiceRequest") == 2 or sender.line.taken[0] == "Patient"
    theirs = sender.line.one("Practitioner", lee)["id"]
    (request,) = [json.loads(body) for body in sender.line.bodies if b'"ServiceRequest"' in body[:60]]
    assert request["requester"] == {"reference": f"Practitioner/{theirs}", "display": "Lee"}
    assert request["subject"] == {"reference": f"Patient/{sender.line.one('Patient', kim)['id']}"}


def test_a_target_that_was_added_late_gets_the_patient_with_the_first_order(sender: Sender) -> None:
    kim = sender.fhir.create(patient())
    sender.work()
    sender.add("late", url=f"{sender.line.url}/")
    ct = sender.fhir.create(good("ServiceRequest", subject={"reference": f"Patient/{kim}"}, requester=None))
    sender.settle()
    # Both targets are one server here: the second found the patient by our identifier.
    assert sender.line.taken == ["Patient", "ServiceRequest"]
    assert sender.line.one("ServiceRequest", ct)["subject"]["reference"].endswith(sender.line.one("Patient", kim)["id"])


def test_a_reference_to_what_the_target_does_not_want_is_by_identifier(sender: Sender) -> None:
    kim = sender.fhir.create(patient())
    visit = sender.fhir.create(good("Encounter", subject={"reference": f"Patient/{kim}"}, participant=None))
    ct = sender.fhir.create(
        good(
            "ServiceRequest",
            subject={"reference": f"Patient/{kim}"},
            requester=None,
            encounter={"reference": f"Encounter/{visit}"},
        )
    )
    sender.settle()
    named = {"system": RESOURCE, "value": f"Encounter/{visit}"}
    assert sender.line.one("ServiceRequest", ct)["encounter"] == {"type": "Encounter", "identifier": named}


def test_a_decimal_is_sent_with_its_digits(sender: Sender) -> None:
    kim = sender.fhir.create(patient())
    text = json.dumps(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "creatinine"},
            "subject": {"reference": f"Patient/{kim}"},
            "valueQuantity": {"value": "?"},
        }
    )
    assert sender.fhir.ask("POST", "/Observation", text.replace('"?"', "13.20")).status_code == 201
    sender.settle()
    assert any(b'"value":13.20}' in body for body in sender.line.bodies)


def test_a_type_without_identifiers_is_known_by_a_tag(sender: Sender) -> None:
    kim = sender.fhir.create(patient())
    sender.work()
    sender.line.faults = [Fault.DROP_ANSWER]
    trace = sender.fhir.create(
        good(
            "Provenance",
            target=[{"reference": f"Patient/{kim}"}],
            entity=None,
            signature=None,
            agent=[{"who": {"display": "Lee"}}],
        )
    )
    sender.settle()
    assert sender.line.one("Provenance", trace)["target"][0]["reference"].startswith("Patient/")


def test_our_version_wins_and_the_loser_is_kept(sender: Sender) -> None:
    kim = sender.fhir.create(patient())
    sender.work()
    remote = sender.line.one("Patient", kim)["id"]
    change(sender, "Patient", remote, birthDate="1970-01-01")
    update(sender, kim, gender="female")
    sender.settle()
    theirs = sender.line.one("Patient", kim)
    assert (theirs.get("gender"), theirs.get("birthDate")) == ("female", None)
    (lost,) = sender.conflicts()
    assert (lost.kind, lost.id, lost.version, lost.remote_id) == ("Patient", kim, 2, remote)
    assert json.loads(lost.loser or "")["birthDate"] == "1970-01-01"


def test_what_was_deleted_there_is_made_anew(sender: Sender) -> None:
    kim = sender.fhir.create(patient())
    sender.work()
    remote = sender.line.one("Patient", kim)["id"]
    requests.delete(f"{sender.line.upstream}/Patient/{remote}", timeout=PATIENCE).raise_for_status()
    update(sender, kim, gender="female")
    sender.settle()
    assert sender.line.one("Patient", kim)["gender"] == "female"
    assert [one.loser for one in sender.conflicts()] == [None]


def test_a_deletion_is_delivered_whatever_is_lost_on_the_way(sender: Sender) -> None:
    kim = sender.fhir.create(patient())
    sender.work()
    sender.line.faults = [Fault.DROP_REQUEST, Fault.DROP_ANSWER]
    assert sender.fhir.ask("DELETE", f"/Patient/{kim}").status_code == 204
    sender.settle()
    assert sender.line.ours("Patient", kim) == []
    update(sender, kim, gender="male")
    sender.settle()
    assert sender.line.one("Patient", kim)["gender"] == "male"


def test_two_of_ours_upstream_are_a_dead_letter_that_tells_why(sender: Sender) -> None:
    sender.line.down = True
    kim = sender.fhir.create(patient())
    sender.work()
    twin = {"resourceType": "Patient", "identifier": [{"system": RESOURCE, "value": f"Patient/{kim}"}]}
    twins = [
        requests.post(
            f"{sender.line.upstream}/Patient",
            json=twin,
            timeout=PATIENCE,
            headers={"Content-Type": "application/fhir+json"},
        ).json()["id"]
        for _ in range(2)
    ]
    sender.line.down = False
    sender.clock.time += 600
    sender.work()
    (dead,) = sender.open()
    assert (dead.state, dead.verdict) == ("dead_letter", "duplicate")
    assert "HTTP 412" in (dead.detail or "")
    requests.delete(f"{sender.line.upstream}/Patient/{twins[0]}", timeout=PATIENCE).raise_for_status()
    with sender.service.database.writing() as session:
        retry(session, dead.number, sender.clock())
    sender.settle()
    assert sender.line.one("Patient", kim)["id"] == twins[1]
