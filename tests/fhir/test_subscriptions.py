"""Subscriptions: told by the outbox's own worker to an endpoint over HTTP, within what their author may see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import pytest

from cdss_api.clients import registry
from cdss_api.clients.models import Client
from cdss_api.fhir.hooks import Forbidden, RestHooks, looked_up
from cdss_api.outbox.dispatching import Dispatcher
from cdss_api.outbox.worker import Worker
from tests.accounts.api import TESTER
from tests.clients.program import registered
from tests.fhir.asking import JSON, ROOT, Fhir, patient
from tests.serving import serving

LOOPBACK = (ip_network("127.0.0.0/8"),)


class Hook(ThreadingHTTPServer):
    """Notes what it is told, and answers `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.told: list[tuple[str, str, dict[str, str], str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self.server.told.append((self.command, self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = _answer  # noqa: N815 - the server's names

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with serving(Hook()) as server:
        yield server


def subscription(hook: Hook, criteria: str = "Condition?code=x", **channel: Any) -> dict[str, Any]:
    given = {"type": "rest-hook", "endpoint": hook.url, "payload": JSON, "header": ["Authorization: Bearer s"]}
    reason = {"reason": "tests", "status": "requested", "criteria": criteria, "id": "s"}
    return {"resourceType": "Subscription", **reason, "channel": given | channel}


def condition(id_: str = "c", code: str = "x") -> dict[str, Any]:
    coded = {"coding": [{"system": "urn:s", "code": code}]}
    return {"resourceType": "Condition", "id": id_, "code": coded, "subject": {"reference": "Patient/p"}}


def work(fhir: Fhir, *, allowed: bool = True) -> int:
    """Have the outbox's worker do what is due."""
    service = fhir.api.service
    networks = LOOPBACK if allowed else ()
    reached = replace(service, settings=replace(service.settings, subscription_networks=networks))
    dispatcher = Dispatcher(
        service.database, service.settings.data, fhir.api.clock, {"subscription": RestHooks(reached)}
    )
    return Worker(service.database, dispatcher, fhir.api.clock, lambda: 0.0).step()


def put(fhir: Fhir, body: dict[str, Any]) -> None:
    answer = fhir.ask("PUT", f"/{body['resourceType']}/{body['id']}", body)
    assert answer.status_code in (200, 201), answer.text


def status(fhir: Fhir) -> tuple[str, str]:
    told = fhir.ask("GET", "/Subscription/s").get_json(force=True)
    return told["status"], told.get("error", "")


@pytest.fixture
def watched(fhir: Fhir, hook: Hook) -> Fhir:
    """A subscription to conditions of code x."""
    put(fhir, patient("P1", id="p"))
    put(fhir, subscription(hook))
    assert status(fhir) == ("active", "")
    return fhir


def test_what_fits_is_told_in_its_order(watched: Fhir, hook: Hook) -> None:
    put(watched, condition(code="y"))
    put(watched, condition())
    put(watched, condition() | {"note": [{"text": "again"}]})
    put(watched, condition(code="y"))
    assert work(watched) == 2
    assert [(method, path) for method, path, _, _ in hook.told] == [("PUT", "/hook/Condition/c")] * 2
    assert [json.loads(body)["meta"]["versionId"] for _, _, _, body in hook.told] == ["2", "3"]
    assert {headers["Authorization"] for _, _, headers, _ in hook.told} == {"Bearer s"}
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in hook.told}) == 2
    assert work(watched) == 0


def test_without_a_payload_nothing_is_told_but_that_there_is_something(watched: Fhir, hook: Hook) -> None:
    put(watched, subscription(hook, payload="") | {"channel": {"type": "rest-hook", "endpoint": hook.url}})
    put(watched, condition())
    assert work(watched) == 1
    assert [(method, path, body) for method, path, _, body in hook.told] == [("POST", "/hook", "")]


def test_what_was_rolled_back_is_told_to_nobody(watched: Fhir, hook: Hook) -> None:
    entries: list[dict[str, Any]] = [{"request": {"method": "PUT", "url": "Condition/c"}, "resource": condition()}]
    entries.append({"request": {"method": "GET", "url": "Condition/none"}})
    answer = watched.ask("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 404
    assert (work(watched), hook.told) == (0, [])


@pytest.mark.parametrize("how", ["off", "delete"])
def test_a_subscription_that_ended_tells_nothing(watched: Fhir, hook: Hook, how: str) -> None:
    put(watched, condition())
    if how == "off":
        put(watched, subscription(hook) | {"status": "off"})
    else:
        assert watched.ask("DELETE", "/Subscription/s").status_code == 204
    put(watched, condition())
    assert work(watched) == 1, "what was written before, which nobody is to be told of"
    assert hook.told == []


def test_a_dead_letter_sets_the_subscription_to_error(watched: Fhir, hook: Hook) -> None:
    hook.status = 422
    put(watched, condition())
    assert work(watched) == 1
    assert status(watched) == ("error", "HTTP 422")
    put(watched, condition())
    assert work(watched) == 0
    hook.status = 200
    put(watched, subscription(hook))
    assert status(watched) == ("active", "")


def test_a_target_that_is_down_is_waited_for(watched: Fhir, hook: Hook) -> None:
    hook.status = 503
    put(watched, condition())
    work(watched)
    assert status(watched) == ("active", "")
    hook.status = 200
    watched.api.clock.time += 400
    assert work(watched) == 1
    assert len(hook.told) == 2


def test_a_private_network_is_asked_only_where_that_is_allowed(watched: Fhir, hook: Hook) -> None:
    put(watched, condition())
    assert work(watched, allowed=False) == 1
    assert hook.told == []
    assert status(watched) == ("error", "the endpoint is in a network that is not allowed")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1", "0.0.0.0", "224.0.0.1"]
)
def test_addresses_inside_are_refused(host: str) -> None:
    with pytest.raises(Forbidden):
        looked_up(host, 443, ())
    assert looked_up("8.8.8.8", 443, ()) == "8.8.8.8"


UNFIT: dict[str, dict[str, Any]] = {
    "mail": {"type": "email"},
    "xml": {"payload": "application/fhir+xml"},
    "http": {"endpoint": "http://receiver.example/hook"},
    "file": {"endpoint": "file:///etc/passwd"},
    "login": {"endpoint": "https://u:p@receiver.example/"},
    "header": {"header": ["Host: elsewhere"]},
    "two lines": {"header": ["A: b\r\nHost: elsewhere"]},
}


@pytest.mark.parametrize("channel", UNFIT.values(), ids=UNFIT.keys())
def test_an_unfit_channel_is_an_error(fhir: Fhir, hook: Hook, channel: dict[str, Any]) -> None:
    fhir.ask("PUT", "/Subscription/s", subscription(hook, **channel))
    assert status(fhir)[0] == "error"
    assert status(fhir)[1]


@pytest.mark.parametrize("criteria", ["", "Nothing?a=b", "Subscription?status=active", "Condition?nothing=x"])
def test_criteria_that_nothing_fits_are_an_error(fhir: Fhir, hook: Hook, criteria: str) -> None:
    fhir.ask("PUT", "/Subscription/s", subscription(hook, criteria or "Condition?code"))
    assert status(fhir)[0] == "error"


def test_it_sees_no_more_than_its_author(fhir: Fhir, hook: Hook) -> None:
    program = registered(fhir.api, "system/Subscription.cruds system/Condition.rs")
    bearer = program.bearer()

    def subscribe(criteria: str) -> str:
        body = json.dumps(subscription(hook, criteria))
        answer = fhir.api.client.put(f"{ROOT}/Subscription/s", data=body, content_type=JSON, headers=bearer)
        assert answer.status_code in (200, 201), answer.text
        return status(fhir)[0]

    assert subscribe("Patient?active=true") == "error"
    assert subscribe("Condition?patient.identifier=P1") == "error"
    assert subscribe("Condition?code=x") == "active"
    put(fhir, condition())
    assert (work(fhir), len(hook.told)) == (1, 1)
    put(fhir, condition())
    with fhir.api.service.work(TESTER) as change:
        registry.change(change, change.session.get_one(Client, program.client_id), enabled=False)
    assert (work(fhir), len(hook.told)) == (1, 1), "written before, and not told any more"
    put(fhir, condition())
    assert work(fhir) == 0
