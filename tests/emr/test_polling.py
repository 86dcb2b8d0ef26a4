"""What others write at an external FHIR server comes into the record, once, and nothing goes round in circles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from cdss_api.outbox.inbound import Inbound
from tests.emr.delivering import Sender
from tests.emr.peer import Line, empty
from tests.emr.test_mapping import change
from tests.fhir.asking import Fhir, patient
from tests.fhir.resources import good
from tests.patience import PATIENCE

SYSTEM = "urn:example:emr"
_HEADERS = {"Content-Type": "application/fhir+json"}


@pytest.fixture
def sender(fhir: Fhir, line: Line) -> Iterator[Sender]:
    """The service, with an empty server as a target that is told and asked: what others left there is seen, too."""
    empty(line.upstream)
    made = Sender(fhir, line)
    made.add(polled=("Patient", "ServiceRequest"))
    yield made
    made.close()


def theirs(sender: Sender, kind: str, **members: Any) -> dict[str, Any]:
    """Write at the server as somebody else does."""
    body = {"resourceType": kind, **members}
    answer = requests.post(f"{sender.line.upstream}/{kind}", json=body, headers=_HEADERS, timeout=PATIENCE)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def known_as(value: str) -> list[dict[str, str]]:
    return [{"system": SYSTEM, "value": value}]


def here(sender: Sender, kind: str, value: str) -> list[dict[str, Any]]:
    found = sender.fhir.ask("GET", f"/{kind}?identifier={SYSTEM}|{value}").get_json(force=True)
    return [entry["resource"] for entry in found.get("entry", [])]


def poll(sender: Sender) -> int:
    """Ask once, as a worker does that has just started, and send what follows."""
    seen = Inbound(sender.service).once("emr")
    sender.work()
    return seen


def writes(sender: Sender) -> int:
    return len([body for body in sender.line.bodies if body])


def test_a_patient_and_an_order_come_in_once_and_go_nowhere(sender: Sender) -> None:
    kim = theirs(sender, "Patient", identifier=known_as("kim"), gender="female")
    order = good("ServiceRequest", subject={"reference": f"Patient/{kim['id']}"}, requester=None)
    theirs(sender, "ServiceRequest", **(order | {"identifier": known_as("ct")}))
    for _ in range(3):  # each is asked for again, and the process may have ended in between
        poll(sender)
    (patient_here,) = here(sender, "Patient", "kim")
    (order_here,) = here(sender, "ServiceRequest", "ct")
    assert patient_here["gender"] == "female"
    assert order_here["subject"] == {"reference": f"Patient/{patient_here['id']}"}
    assert [one["meta"]["versionId"] for one in (patient_here, order_here)] == ["1", "1"]
    assert writes(sender) == 0
    assert sender.conflicts() == []


def test_many_come_in_by_pages(sender: Sender) -> None:
    for number in range(230):
        theirs(sender, "Patient", identifier=known_as(str(number)))
    poll(sender)
    assert [len(here(sender, "Patient", str(number))) for number in (0, 99, 100, 198, 229)] == [1] * 5


def test_what_we_wrote_there_is_no_news(sender: Sender) -> None:
    kim = sender.fhir.create(patient())
    sender.work()
    assert poll(sender) == 1
    assert sender.fhir.ask("GET", f"/Patient/{kim}").get_json(force=True)["meta"]["versionId"] == "1"
    assert writes(sender) == 1


def test_their_change_is_taken_over_and_ours_goes_back_on_top(sender: Sender) -> None:
    kim = sender.fhir.create(patient())
    sender.work()
    remote = sender.line.one("Patient", kim)["id"]
    change(sender, "Patient", remote, birthDate="1970-01-01")
    for _ in range(2):
        poll(sender)
    ours = sender.fhir.ask("GET", f"/Patient/{kim}").get_json(force=True)
    assert (ours["birthDate"], ours["meta"]["versionId"]) == ("1970-01-01", "2")
    assert "urn:neuronova:resource" not in json.dumps(ours)
    assert sender.fhir.ask("PUT", f"/Patient/{kim}", ours | {"gender": "male"}).status_code == 200
    sender.work()
    at_theirs = sender.line.one("Patient", kim)
    assert (at_theirs["gender"], at_theirs["birthDate"]) == ("male", "1970-01-01")
    assert sender.conflicts() == []


def test_one_that_is_here_by_its_identifier_is_merged_and_the_earlier_version_kept(sender: Sender) -> None:
    kim = sender.fhir.create(patient(identifier=known_as("kim"), gender="male"))
    theirs(sender, "Patient", identifier=known_as("kim"), gender="female")
    with sender.service.database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM outbox_message")
        session.connection().exec_driver_sql("UPDATE outbox_stream SET visible_at = NULL")
        session.connection().exec_driver_sql("UPDATE fhir_resource SET updated = 1000")
    poll(sender)
    (ours,) = here(sender, "Patient", "kim")
    assert (ours["id"], ours["gender"]) == (kim, "female")
    (lost,) = sender.conflicts()
    assert (lost.lost, json.loads(lost.loser or "")["gender"]) == ("ours", "male")


def test_while_ours_waits_theirs_is_not_taken_and_delivery_keeps_it(sender: Sender) -> None:
    kim = sender.fhir.create(patient())
    sender.work()
    remote = sender.line.one("Patient", kim)["id"]
    change(sender, "Patient", remote, birthDate="1970-01-01")
    assert sender.fhir.ask("PUT", f"/Patient/{kim}", patient(id=kim, gender="male")).status_code == 200
    poll(sender)
    poll(sender)
    ours = sender.fhir.ask("GET", f"/Patient/{kim}").get_json(force=True)
    assert (ours["gender"], ours.get("birthDate"), ours["meta"]["versionId"]) == ("male", None, "2")
    (lost,) = sender.conflicts()
    assert (lost.lost, json.loads(lost.loser or "")["birthDate"]) == ("theirs", "1970-01-01")


def test_a_deletion_there_is_not_taken_over(sender: Sender) -> None:
    kim = theirs(sender, "Patient", identifier=known_as("kim"))
    poll(sender)
    requests.delete(f"{sender.line.upstream}/Patient/{kim['id']}", timeout=PATIENCE).raise_for_status()
    poll(sender)
    assert len(here(sender, "Patient", "kim")) == 1


def test_what_cannot_be_taken_is_shown_and_holds_up_nothing(sender: Sender) -> None:
    for _ in range(2):
        sender.fhir.create(patient(identifier=known_as("twin")))
    sender.work()
    theirs(sender, "Patient", identifier=known_as("twin"))
    theirs(sender, "Patient", identifier=known_as("lee"))
    poll(sender)
    assert len(here(sender, "Patient", "lee")) == 1
    assert [(one.kind, one.lost) for one in sender.conflicts()] == [("Patient", "theirs")]


def test_a_server_that_is_away_is_asked_again_from_where_it_was(sender: Sender) -> None:
    theirs(sender, "Patient", identifier=known_as("kim"))
    sender.line.down = True
    assert poll(sender) == 0
    sender.line.down = False
    poll(sender)
    assert len(here(sender, "Patient", "kim")) == 1
