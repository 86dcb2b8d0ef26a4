"""Messages of several streams in one Bundle: one request, and each message with a fate of its own."""

from __future__ import annotations

import json

import pytest
import requests

from cdss_api.outbox.outgoing import RESOURCE
from cdss_api.outbox.profiles import Kind
from tests.emr.delivering import Sender
from tests.emr.peer import PASSING, Fault
from tests.emr.test_delivery import order
from tests.emr.test_mapping import change, update
from tests.fhir.asking import patient
from tests.patience import PATIENCE


def written(sender: Sender, number: int) -> list[str]:
    return [sender.fhir.create(patient()) for _ in range(number)]


def sizes(sender: Sender) -> list[int]:
    """Return how many entries each write had, 1 where it was no Bundle."""
    bodies = [json.loads(body) for body in sender.line.bodies if body]
    return [len(body.get("entry", "1")) for body in bodies]


def test_messages_of_several_streams_are_one_request(sender: Sender) -> None:
    ids = written(sender, 20)
    sender.work()
    assert sizes(sender) == [20]
    assert len({sender.line.one("Patient", id_)["id"] for id_ in ids}) == 20
    for id_ in ids[:3]:
        update(sender, id_, gender="female")
    sender.work()
    assert sizes(sender) == [20, 3]
    assert [sender.line.one("Patient", id_)["gender"] for id_ in ids[:3]] == ["female"] * 3
    assert sender.states() == {"completed": 23}
    assert sender.conflicts() == []


def test_medplum_gets_eight_entries_at_most(sender: Sender) -> None:
    sender.line.down = True
    sender.add("medplum", profile=Kind.MEDPLUM, url=sender.line.upstream.replace(sender.line.host, sender.line.own))
    written(sender, 20)
    sender.line.down = False
    sender.worker.only = ["medplum"]
    sender.work()
    assert sizes(sender) == [8, 8, 4]


def test_each_patients_messages_stay_in_order(sender: Sender) -> None:
    whole = [order(sender.fhir) for _ in range(5)]
    sender.work()
    # What is about one patient never shares a Bundle: in a batch, a second entry goes on where the first failed.
    assert sender.line.taken == ["Patient"] * 5 + ["ServiceRequest"] * 5 + ["DiagnosticReport"] * 5
    assert sizes(sender) == [5, 5, 5]
    for kim, ct, report in whole:
        subject = {"reference": f"Patient/{sender.line.one('Patient', kim)['id']}"}
        assert sender.line.one("ServiceRequest", ct)["subject"] == subject
        assert sender.line.one("DiagnosticReport", report)["subject"] == subject


@pytest.mark.parametrize("fault", PASSING, ids=[fault.name for fault in PASSING])
def test_a_fault_of_a_whole_bundle_loses_and_repeats_nothing(sender: Sender, fault: Fault) -> None:
    sender.line.faults = [fault] * 3
    ids = written(sender, 10)
    sender.settle()
    assert len({sender.line.one("Patient", id_)["id"] for id_ in ids}) == 10
    assert [len(sender.line.history("Patient", sender.line.one("Patient", id_)["id"])) for id_ in ids] == [1] * 10
    assert sender.states() == {"completed": 10}
    assert sender.conflicts() == []


@pytest.mark.parametrize(
    ("status", "state", "verdict", "attempts"),
    [(422, "dead_letter", "permanent", 1), (409, "failed", "transient", 1), (500, "failed", "target_down", 0)],
    ids=["refused", "conflict", "broken"],
)
def test_one_entry_fails_alone_and_holds_up_its_own_stream(
    sender: Sender, status: int, state: str, verdict: str, attempts: int
) -> None:
    ids = written(sender, 6)
    sender.line.entries = {f"Patient/{ids[2]}": status}
    update(sender, ids[2], gender="female")
    sender.work()
    failed, behind = sender.open()
    assert (failed.state, failed.verdict, failed.attempts) == (state, verdict, attempts)
    assert f"entry: HTTP {status}" in (failed.detail or "")
    assert (behind.state, behind.aggregate) == ("pending", f"Patient/{ids[2]}")
    assert sender.states()["completed"] == 5
    assert [len(sender.line.ours("Patient", id_)) for id_ in ids] == [1, 1, 0, 1, 1, 1]


def test_a_conflict_in_a_bundle_keeps_the_loser(sender: Sender) -> None:
    ids = written(sender, 3)
    sender.work()
    change(sender, "Patient", sender.line.one("Patient", ids[1])["id"], birthDate="1970-01-01")
    for id_ in ids:
        update(sender, id_, gender="male")
    sender.work()
    assert [sender.line.one("Patient", id_)["gender"] for id_ in ids] == ["male"] * 3
    (lost,) = sender.conflicts()
    assert (lost.id, lost.version) == (ids[1], 2)


def test_two_of_ours_upstream_are_a_dead_letter_of_that_entry_alone(sender: Sender) -> None:
    ids = written(sender, 3)
    twin = {"resourceType": "Patient", "identifier": [{"system": RESOURCE, "value": f"Patient/{ids[0]}"}]}
    for _ in range(2):
        headers = {"Content-Type": "application/fhir+json"}
        requests.post(
            f"{sender.line.upstream}/Patient", json=twin, timeout=PATIENCE, headers=headers
        ).raise_for_status()
    sender.work()
    (dead,) = sender.open()
    assert (dead.aggregate, dead.state, dead.verdict) == (f"Patient/{ids[0]}", "dead_letter", "duplicate")


def test_a_server_without_bundles_gets_one_after_the_other(sender: Sender) -> None:
    sender.line.bundles = False
    ids = written(sender, 4)
    sender.work()
    assert sizes(sender) == [1] * 4
    assert [len(sender.line.ours("Patient", id_)) for id_ in ids] == [1] * 4
    assert sender.states() == {"completed": 4}
