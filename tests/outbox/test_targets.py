"""Targets and messages as an admin handles them, by route."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from cdss_api import consequences
from cdss_api.accounts.recording import Actor
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.heartbeats import SILENT, beat
from cdss_api.outbox.models import Message
from cdss_api.outbox.pruning import prune
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.worker import Worker
from tests.accounts.api import Api, code_of, json_of
from tests.outbox.sending import OK, Answer, Receiver
from tests.patience import PATIENCE
from tests.running import ambient

SECRET = "a secret of the target's"
BODY = {
    "target": "emr",
    "profile": "fhir-r4",
    "url": "https://emr.example.org/fhir/",
    "kinds": ["Patient"],
    "authorization": {"kind": "header", "name": "X-Api-Key", "value": SECRET},
}


def ask(api: Api, method: str, path: str, body: Any = None) -> TestResponse:
    return api.client.open(f"/api/v1/outbox/{path}", method=method, json=body, headers=api.admin())


def write(api: Api, kind: str = "Patient", **more: Any) -> None:
    with consequences.writing(api.service, Actor(subject="service:tests")) as store:
        store.create(kind, {"resourceType": kind, **more})


def work(api: Api, answer: Answer = lambda _: OK) -> Receiver:
    receiver = Receiver(answer)
    worker = Worker(api.service.database, receiver, api.clock, lambda: 0.0)
    while worker.step():
        pass
    return receiver


def messages(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json_of(ask(api, "GET", "messages"))["messages"]
    return found


def test_a_target_is_told_of_what_it_wants_and_nothing_else(api: Api) -> None:
    write(api)
    assert ask(api, "POST", "targets", BODY).status_code == 201
    write(api)
    write(api, "Practitioner")
    (message,) = messages(api)
    assert (message["target"], message["kind"], message["payload"]) == ("emr", "put", None)
    (target,) = json_of(ask(api, "GET", "targets"))["targets"]
    assert (target["kinds"], target["polled"]) == (["Patient"], [])
    assert (target["url"], target["waiting"], target["dead"]) == ("https://emr.example.org/fhir", 1, 0)


def test_a_change_that_is_undone_leaves_no_message(api: Api) -> None:
    ask(api, "POST", "targets", BODY)
    with pytest.raises(ZeroDivisionError), consequences.writing(api.service, Actor(subject="service:tests")) as store:
        store.create("Patient", {"resourceType": "Patient"})
        _ = 1 / 0
    assert messages(api) == []


def test_a_secret_is_in_one_file_and_nowhere_else(api: Api) -> None:
    answers = [ask(api, "POST", "targets", BODY), ask(api, "GET", "targets")]
    assert not any(SECRET in answer.text for answer in answers)
    assert SECRET not in str(api.journal.events)
    data: Path = api.service.settings.data
    holding = [file for file in data.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]
    assert holding == [data / "keys" / "outbox" / "emr.json"]
    assert stat.S_IMODE(holding[0].stat().st_mode) == 0o600
    assert ask(api, "DELETE", "targets/emr").status_code == 204
    assert not holding[0].exists()


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://emr.example.org/fhir"},
        {"url": "https://me:secret@emr.example.org/fhir"},
        {"url": "file:///etc/passwd"},
        {"target": "../emr"},
        {"target": "orthanc"},
        {"kinds": ["Subscription"]},
        {"kinds": []},
        {"profile": "openemr", "kinds": ["ServiceRequest"]},
        {"profile": "openemr", "kinds": ["Patient"], "url": "https://emr.example.org/apis/default/api"},
        {"authorization": {"kind": "header", "name": "X-Api-Key", "value": "a\r\nHost: b"}},
        {"authorization": {"kind": "client_credentials", "token_url": "http://example.org", "client_id": "a"}},
    ],
    ids=["plain", "password", "file", "name", "own", "kind", "none", "profile", "api", "header", "token"],
)
def test_an_odd_target_is_refused(api: Api, change: dict[str, Any]) -> None:
    answer = ask(api, "POST", "targets", BODY | change)
    assert (answer.status_code, code_of(answer)) == (422, "invalid_input")
    assert SECRET not in answer.text
    assert json_of(ask(api, "GET", "targets")) == {"targets": []}


def test_a_name_is_taken_once(api: Api) -> None:
    ask(api, "POST", "targets", BODY)
    assert code_of(ask(api, "POST", "targets", BODY)) == "target_exists"


def test_what_changes_while_a_target_is_paused_waits_for_it(api: Api) -> None:
    ask(api, "POST", "targets", BODY)
    assert ask(api, "PATCH", "targets/emr", {"paused": True}).status_code == 204
    write(api)
    assert work(api).attempts == []
    assert ask(api, "PATCH", "targets/emr", {"paused": False}).status_code == 204
    assert len(work(api).attempts) == 1


def test_a_dead_letter_is_shown_replayed_and_dropped(api: Api) -> None:
    ask(api, "POST", "targets", BODY)
    write(api, gender="female")
    work(api, lambda _: Outcome(Verdict.PERMANENT, "HTTP 422 no name"))
    (dead,) = json_of(ask(api, "GET", "messages?state=dead_letter"))["messages"]
    shown = json_of(ask(api, "GET", f"messages/{dead['number']}"))
    assert (shown["detail"], '"gender":"female"' in shown["payload"]) == ("HTTP 422 no name", True)
    assert ask(api, "POST", f"messages/{dead['number']}/retry").status_code == 200
    work(api, lambda _: Outcome(Verdict.PERMANENT, "HTTP 422 still no name"))
    assert ask(api, "DELETE", f"messages/{dead['number']}").status_code == 200
    assert messages(api) == []
    assert code_of(ask(api, "GET", f"messages/{dead['number']}")) == "not_found"
    acts = [event["detail"]["act"] for event in api.journal.events if event["action"] == "outbox-message"]
    assert acts == ["show", "retry", "drop"]


def test_a_target_with_waiting_messages_is_removed_with_them_or_not_at_all(api: Api) -> None:
    ask(api, "POST", "targets", BODY)
    write(api)
    assert code_of(ask(api, "DELETE", "targets/emr")) == "not_now"
    assert len(messages(api)) == 1
    assert ask(api, "DELETE", "targets/emr?drop=true").status_code == 204
    assert messages(api) == []
    assert work(api).attempts == []
    assert code_of(ask(api, "DELETE", "targets/emr")) == "not_found"


def test_health_tells_of_workers_and_of_what_waits(api: Api) -> None:
    def outbox() -> dict[str, Any]:
        report = json_of(api.client.get("/api/v1/health"))["parts"]["outbox"]
        return {name: value for name, value in report.items() if name not in ("milliseconds", "age_seconds")}

    assert outbox()["status"] == "down"
    with api.service.database.writing() as session:
        beat(session, "here:1", api.clock())
        enqueue(session, target="emr", aggregate="a", kind="put", payload="", now=api.clock() - 60)
    found = {"status": "ok", "workers": 1, "waiting": 1, "dead_letters": 0, "oldest_seconds": 60.0}
    assert outbox() == found
    api.clock.time += SILENT
    assert outbox()["status"] == "down"


def test_what_was_delivered_long_ago_is_deleted(api: Api) -> None:
    ask(api, "POST", "targets", BODY)
    write(api)
    work(api)
    write(api)
    work(api, lambda _: Outcome(Verdict.PERMANENT))
    api.clock.time += 100.0
    write(api)
    work(api)
    with api.service.database.writing() as session:
        assert prune(session, api.clock() - 50.0) is None
        left = [(one.state, one.created_at) for one in session.query(Message).order_by(Message.number)]
    assert left == [("dead_letter", api.clock() - 100.0), ("completed", api.clock())]


def test_the_command_line_lists_what_a_target_is_told_of_and_asked_for(api: Api, variables: dict[str, str]) -> None:
    assert ask(api, "POST", "targets", BODY | {"polled": ["ServiceRequest"]}).status_code == 201
    (target,) = json_of(ask(api, "GET", "targets"))["targets"]
    assert (target["kinds"], target["polled"]) == (["Patient"], ["ServiceRequest"])
    program = [str(Path(sys.executable).with_name("neuronova")), "outbox", "target", "list"]
    environment = ambient() | variables | {"COLUMNS": "200"}
    told = subprocess.run(program, env=environment, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout
    (row,) = [line for line in told.splitlines() if "emr.example.org" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[:6] == ["emr", "fhir-r4", "https://emr.example.org/fhir", "Patient", "ServiceRequest", "closed"]
