"""What the audit journal of a real server holds after reads, denials, stores and kills."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
import requests

from neuronova.audit.access import MINUTE
from neuronova.audit.search import Query, search
from neuronova.contract.audit import Action, Event, Outcome
from neuronova.contract.roles import Role
from tests.access import HEADER, accounts, token
from tests.gate.people import KIM, LEE, SEEN, of
from tests.gate.test_access import ask, paths, stow
from tests.patience import PATIENCE
from tests.server import Server, running, settings_for, until
from tests.synthetic import part10


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = settings_for(tmp_path_factory.mktemp("audited") / "data")
    with running(Server(settings, known=accounts(doctor=[SEEN]))) as one:
        for dataset in (KIM, LEE):
            one.upload(part10(dataset))
        yield one


def records(server: Server, **query: str) -> list[Event]:
    """Return the decisions, oldest first."""
    asked = Query(**query)  # type: ignore[arg-type]
    page = search([server.settings.data / "audit" / "orthanc.db"], asked, limit=1000)
    return [record.event for record in reversed(page.records) if record.event.refers_to is None]


def test_a_read_is_on_disk_before_its_answer(server: Server) -> None:
    bearer = token(Role.DOCTOR, token_id="the-token")
    headers = {"X-Neuronova-Client": "192.0.2.7"}
    until(lambda: time.time() % MINUTE < MINUTE - 20, "a minute that goes on for a while")
    for _ in range(3):
        assert ask(server, paths(KIM)["frame"], Role.DOCTOR, token=bearer, headers=headers).status_code == 200
        (event,) = records(server, subject="doctor", study=KIM.StudyInstanceUID)
    assert (event.action, event.outcome, event.reason) == (Action.READ, Outcome.ALLOWED, "care-team")
    assert (event.patient_id, event.issuer, event.role) == ("KIM", "HOSPITAL", "doctor")
    assert (event.token_id, event.address) == ("the-token", "192.0.2.7")
    assert event.route.startswith("GET /dicom-web/studies/")
    server.stop()  # the minute ends, as far as this process goes
    page = search([server.settings.data / "audit" / "orthanc.db"], Query(subject="doctor"))
    result = page.records[0].event
    assert (result.refers_to is not None, result.count, result.status) == (True, 2, 200)


def test_denials_lists_and_stores_are_recorded(server: Server) -> None:
    assert ask(server, paths(LEE)["frame"], Role.DOCTOR).status_code == 404
    assert ask(server, "/system", Role.DOCTOR).status_code == 403
    assert requests.get(f"{server.dicomweb}/studies", timeout=PATIENCE).status_code == 401
    assert ask(server, "/dicom-web/studies?PatientID=KIM", Role.DOCTOR).status_code == 200
    server.send(of("KIM", "sent"))
    found = {(event.action, event.outcome, event.reason) for event in records(server)}
    assert {
        (Action.READ, Outcome.DENIED, "not-found"),
        (Action.READ, Outcome.DENIED, "role-forbidden"),
        (Action.QUERY, Outcome.DENIED, "no-token"),
        (Action.QUERY, Outcome.ALLOWED, "listed"),
        (Action.STORE, Outcome.ALLOWED, "modality"),
    } <= found
    (denied,) = records(server, study=LEE.StudyInstanceUID, subject="doctor")
    assert (denied.patient_id, denied.status) == ("LEE", 404)
    (stored,) = [event for event in records(server, action="store") if event.aet]
    assert (stored.aet, stored.patient_id) == ("MODALITY", "KIM")


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.RADIOLOGIST])
def test_a_store_names_the_patient_though_its_address_names_no_study(server: Server, role: Role) -> None:
    """So do viewers store; they repeat the PatientID and leave out its issuer."""
    report = of("KIM", "kim 1", InstanceNumber="7")
    del report.IssuerOfPatientID
    assert stow(server, role, report).status_code == 200
    (event,) = records(server, action="store", study=KIM.StudyInstanceUID, subject=role.value)
    assert (event.outcome, event.patient_id, event.issuer) == (Outcome.ALLOWED, "KIM", "HOSPITAL")
    assert event.route == "POST /dicom-web/studies"


def test_a_store_for_a_foreign_patient_is_recorded_as_denied(server: Server) -> None:
    assert stow(server, Role.DOCTOR, of("LEE", "lee 1", InstanceNumber="7")).status_code == 403
    (event,) = records(server, action="store", study=LEE.StudyInstanceUID, subject="doctor")
    assert (event.outcome, event.reason) == (Outcome.DENIED, "patient-not-permitted")
    assert (event.patient_id, event.status) == ("LEE", 403)


def test_what_cannot_be_recorded_does_not_happen(server: Server) -> None:
    folder = server.settings.data / "audit"
    journal = folder / "orthanc.db"
    moved = folder.parent / "moved.db"
    journal.rename(moved)
    answer = ask(server, paths(KIM)["frame"], Role.DOCTOR)
    assert (answer.status_code, answer.json()["code"]) == (503, "audit-unavailable")
    assert ask(server, "/system", Role.ADMIN).status_code == 403
    moved.rename(journal)
    until(lambda: ask(server, paths(KIM)["frame"], Role.DOCTOR).status_code == 200, "it is written again")


def more_than(answered: set[str], count: int) -> bool:
    return len(answered) > count


def test_every_answered_access_outlives_a_kill(server: Server) -> None:
    """Readers of many accounts are answered while Orthanc is killed: who was answered, stands in the journal."""
    answered: set[str] = set()
    over = threading.Event()

    def read(reader: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            token_id = f"{reader}-{number}"
            headers = {HEADER: token(Role.DOCTOR, token_id=token_id)}
            try:
                answer = requests.get(server.url + paths(KIM)["frame"], headers=headers, timeout=PATIENCE)
            except requests.RequestException:
                continue
            if answer.status_code == 200:
                answered.add(token_id)

    readers = [threading.Thread(target=read, args=(reader,)) for reader in range(4)]
    for reader in readers:
        reader.start()
    for _ in range(2):
        before = len(answered)
        until(partial(more_than, answered, before + 20), "accesses are answered")
        server.stop(signal.SIGKILL)
        server.start()
    until(partial(more_than, answered, len(answered) + 20), "accesses are answered")
    over.set()
    for reader in readers:
        reader.join()
    server.stop(signal.SIGKILL)
    written = {event.token_id for event in records(server, subject="doctor")}
    assert answered <= written
