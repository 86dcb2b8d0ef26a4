"""E-mail by a real mail server, webhooks by a real receiver: at least once, known by one id, and without a patient."""

from __future__ import annotations

import email
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cdss_api.deliveries import everywhere
from cdss_api.notifications.notifying import notify
from cdss_api.outbox.dispatching import Dispatcher
from cdss_api.outbox.operations import listed as messages
from cdss_api.outbox.webhook_delivery import signature
from cdss_api.outbox.worker import Worker
from neuronova.contract.roles import Role
from neuronova.contract.settings import read_settings
from tests.accounts.api import Api, json_of
from tests.audit.collector import make_certificate
from tests.notifications.mailbox import PASSWORD, USER, Mailbox, mail_server
from tests.notifications.people import doctor, grant, listed, news, tell
from tests.serving import serving

TO = "reader@example.org"


class _Receiver(ThreadingHTTPServer):
    """Keeps what it is sent; the first of `statuses` is its answer, then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status = self.server.statuses.pop(0) if self.server.statuses else 204
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _api(variables: dict[str, str], **more: str) -> Iterator[Api]:
    made = Api(read_settings(variables | {f"NEURONOVA_{name}": value for name, value in more.items()}))
    try:
        yield made
    finally:
        made.service.database.close()


def _mail(box: Mailbox, user: str = "") -> dict[str, str]:
    return {"SMTP": f"smtp://{user}127.0.0.1:{box.port}", "SMTP_FROM": "neuronova@hospital.example"}


def _choose(api: Api, account: str, **body: Any) -> dict[str, Any]:
    channels = [{"kind": "ai-critical-finding", "channels": ["in-app", *body.pop("by")]}]
    answer = api.client.put(
        "/api/v1/notifications/settings", json={"kinds": channels, **body}, headers=api.bearer(account)
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json_of(answer)
    return found


def _deliver(api: Api) -> None:
    dispatcher = Dispatcher(api.service.database, api.service.settings.data, api.clock, everywhere(api.service))
    worker = Worker(api.service.database, dispatcher, api.clock, lambda: 0.0, together=dispatcher)
    while worker.step():
        pass
    dispatcher.close()


def _states(api: Api) -> list[str]:
    with api.service.database.reading() as session:
        return [one.state for one in messages(session)]


def test_an_e_mail_says_what_happened_and_names_no_patient(variables: dict[str, str]) -> None:
    with mail_server() as box, _api(variables, PUBLIC_URL="https://pacs.example", **_mail(box)) as api:
        api.person(Role.RADIOLOGIST)
        _choose(api, "radiologist", by=["email"], email=TO)
        tell(api, news("finding"))
        _deliver(api)
        (text,) = box.letters
        letter = email.message_from_string(text)
        (entry,) = listed(api, api.bearer("radiologist"))["notifications"]
    assert letter["Message-ID"] == f"<{entry['id']}@hospital.example>"
    assert (letter["To"], letter["From"]) == (TO, "neuronova@hospital.example")
    assert "https://pacs.example/console/reading" in text
    assert "finding that may be critical" in text
    assert "KIM" not in text.upper()


def test_an_answer_that_was_lost_makes_no_second_e_mail_of_another_id(variables: dict[str, str]) -> None:
    with mail_server() as box, _api(variables, **_mail(box)) as api:
        api.person(Role.RADIOLOGIST)
        _choose(api, "radiologist", by=["email"], email=TO)
        box.answers = ["lost"]
        tell(api, news("finding"))
        _deliver(api)
        assert "completed" not in _states(api)
        api.clock.time += 600
        _deliver(api)
        ids = {email.message_from_string(one)["Message-ID"] for one in box.letters}
        assert (len(box.letters), len(ids)) == (2, 1)


def test_one_e_mail_that_is_refused_holds_up_no_other(variables: dict[str, str]) -> None:
    with mail_server() as box, _api(variables, **_mail(box)) as api:
        api.person(Role.RADIOLOGIST)
        _choose(api, "radiologist", by=["email"], email=TO)
        box.answers = ["554 no"]
        tell(api, news("finding-0"))
        _deliver(api)
        assert _states(api) == ["dead_letter"]
        tell(api, news("finding-1"))
        _deliver(api)
        assert len(box.letters) == 1


def test_the_mail_server_is_logged_in_to_over_tls_alone(variables: dict[str, str], tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    known = {"SMTP_PASSWORD": PASSWORD}
    with mail_server(certificate) as box:
        with _api(variables, SMTP_CA=str(certificate), **known, **_mail(box, f"{USER}@")) as api:
            api.person(Role.RADIOLOGIST)
            _choose(api, "radiologist", by=["email"], email=TO)
            tell(api, news("finding"))
            _deliver(api)
        assert box.encrypted == [True]


def test_a_mail_server_that_nobody_vouches_for_gets_nothing(variables: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    foreign = {"SMTP_CA": str(make_certificate(other))}
    with mail_server(make_certificate(tmp_path)) as box, _api(variables, **foreign, **_mail(box)) as api:
        api.person(Role.RADIOLOGIST)
        _choose(api, "radiologist", by=["email"], email=TO)
        tell(api, news("finding"))
        _deliver(api)
        assert box.letters == []
        assert _states(api) != ["completed"]


def test_who_may_not_see_the_patient_any_more_is_sent_nothing(variables: dict[str, str]) -> None:
    with mail_server() as box, _api(variables, **_mail(box)) as api:
        account, _ = doctor(api)
        grant(api, account, until=api.clock() + 60)
        _choose(api, "doctor", by=["email"], email=TO)
        tell(api, news("finding"))
        api.clock.time += 61
        _deliver(api)
        assert (box.letters, _states(api)) == ([], ["completed"])


def test_a_webhook_is_signed_and_knows_a_repeated_one(variables: dict[str, str]) -> None:
    networks = {"SUBSCRIPTION_NETWORKS": "127.0.0.0/8"}
    with serving(_Receiver()) as receiver, _api(variables, **networks) as api:
        receiver.statuses = [503]
        api.person(Role.RADIOLOGIST)
        url = f"http://127.0.0.1:{receiver.server_address[1]}/hook"
        secret = _choose(api, "radiologist", by=["webhook"], webhook=url)["signing_secret"]
        tell(api, news("finding"))
        _deliver(api)
        api.clock.time += 600
        _deliver(api)
        (entry,) = listed(api, api.bearer("radiologist"))["notifications"]
        first, second = receiver.got
    assert {first[0]["webhook-id"], second[0]["webhook-id"]} == {entry["id"]}
    headers, body = second
    assert headers["webhook-signature"] == signature(secret, entry["id"], headers["webhook-timestamp"], body)
    assert json.loads(body).keys() == {"id", "kind", "text", "link", "created_at"}
    assert b"KIM" not in body.upper()


def test_a_webhook_into_our_own_network_is_refused_for_good(variables: dict[str, str]) -> None:
    with serving(_Receiver()) as receiver, _api(variables) as api:
        api.person(Role.RADIOLOGIST)
        url = f"http://127.0.0.1:{receiver.server_address[1]}/hook"
        _choose(api, "radiologist", by=["webhook"], webhook=url)
        tell(api, news("finding"))
        _deliver(api)
        assert (receiver.got, _states(api)) == ([], ["dead_letter"])


def test_the_sites_own_webhook_is_told_once_of_what_many_people_are(variables: dict[str, str]) -> None:
    with serving(_Receiver()) as receiver, _api(variables) as api:
        url = f"http://127.0.0.1:{receiver.server_address[1]}/hook"
        target = {"target": "pager", "profile": "webhook", "url": url, "kinds": ["Notification"]}
        made = api.client.post("/api/v1/outbox/targets", json=target, headers=api.admin())
        assert made.status_code == 201, made.text
        for name in ("one", "two"):
            api.person(Role.RADIOLOGIST, name)
        assert [tell(api, news("finding")) for _ in range(2)] == [2, 0]
        _deliver(api)
        ((headers, body),) = receiver.got
    secret, told = json_of(made)["signing_secret"], json.loads(body)
    signed = signature(secret, headers["webhook-id"], headers["webhook-timestamp"], body)
    assert headers["webhook-signature"] == signed
    assert told["resource"].keys() == {"id", "kind", "text", "link", "created_at"}
    assert b"KIM" not in body.upper()


@pytest.mark.parametrize("channel", ["email", "webhook"])
def test_what_is_not_committed_is_not_sent(variables: dict[str, str], channel: str) -> None:
    networks = {"SUBSCRIPTION_NETWORKS": "127.0.0.0/8"}
    with mail_server() as box, serving(_Receiver()) as receiver, _api(variables, **networks, **_mail(box)) as api:
        api.person(Role.RADIOLOGIST)
        url = f"http://127.0.0.1:{receiver.server_address[1]}/hook"
        _choose(api, "radiologist", by=[channel], webhook=url, email=TO)
        with pytest.raises(ZeroDivisionError), api.service.database.writing() as session:
            notify(session, news("finding"), api.clock())
            raise ZeroDivisionError
        _deliver(api)
        assert (box.letters, receiver.got, _states(api)) == ([], [], [])
