"""How a target knows us, and what a webhook gets, before a receiver over HTTP that is no part of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cdss_api.database import Database
from cdss_api.outbox import configured_targets
from cdss_api.outbox.configured_targets import Wanted
from cdss_api.outbox.credentials import AUTHORIZATION, Credentials
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.dispatching import Dispatcher
from cdss_api.outbox.exchange import TooLong
from cdss_api.outbox.profiles import Kind
from cdss_api.outbox.verdicts import Verdict
from tests.serving import serving

NOW = 1_800_000_000.0
PATIENT = '{"resourceType":"Patient","id":"kim","meta":{"versionId":"1"},"multipleBirthInteger":2,"x":13.20}'


@dataclass
class System:
    """A token's server and a webhook in one: what it was asked, and the token that it takes."""

    url: str = ""
    asked: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    issued: int = 0
    takes: str | None = None  # the token; without one, any request
    redirects: bool = False
    size: int = 0  # of its answers

    def to(self, path: str) -> list[tuple[dict[str, str], str]]:
        return [(headers, body) for asked, headers, body in self.asked if asked == path]


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, *arguments: Any, system: System) -> None:
        self._system = system
        super().__init__(*arguments)

    def do_POST(self) -> None:
        system = self._system
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        system.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        if self.path == "/token":
            system.issued += 1
            self._answer(200, json.dumps({"access_token": f"token-{system.issued}", "expires_in": 600}).encode())
        elif system.redirects:
            self._answer(307, b"", Location=f"{system.url}/elsewhere")
        elif system.takes is not None and self.headers["Authorization"] != f"Bearer {system.takes}":
            self._answer(401, b"")
        else:
            self._answer(200, b"x" * system.size)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[System]:
    system = System()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, system=system))
    system.url = f"http://127.0.0.1:{server.server_address[1]}"
    with serving(server):
        yield system


@pytest.fixture
def system() -> Iterator[System]:
    with running() as made:
        yield made


@pytest.fixture
def variables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """On SQLite: the database has no part in it."""
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "neuronova.db").write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    yield {"NEURONOVA_DATA": str(tmp_path)}


@pytest.fixture
def dispatcher(database: Database, tmp_path: Path) -> Iterator[Dispatcher]:
    made = Dispatcher(database, tmp_path, lambda: NOW)
    yield made
    made.close()


def target(database: Database, data: Path, system: System, **authorization: Any) -> None:
    known = Credentials(
        authorization=AUTHORIZATION.validate_python(authorization or {"kind": "none"}), signing_secret="secret"
    )
    url = f"{system.url}/hook"
    wanted = Wanted(target="hook", profile=Kind.WEBHOOK, url=url, kinds=["Patient"], credentials=known)
    with database.writing() as session:
        configured_targets.add(session, data, wanted, NOW)


def delivery(number: int = 1) -> Delivery:
    return Delivery(number, f"key-{number}", "hook", "Patient/kim", "put", PATIENT, 1)


def test_a_webhook_gets_a_signed_message(
    database: Database, tmp_path: Path, system: System, dispatcher: Dispatcher
) -> None:
    target(database, tmp_path, system)
    assert dispatcher(delivery(), renew=False).verdict is Verdict.OK
    ((headers, body),) = system.to("/hook")
    assert body == f'{{"kind":"put","resource":{PATIENT}}}'
    assert (headers["webhook-id"], headers["idempotency-key"]) == ("key-1", '"key-1"')
    signed = f"key-1.{headers['webhook-timestamp']}.{body}".encode()
    expected = base64.b64encode(hmac.new(b"secret", signed, hashlib.sha256).digest()).decode()
    assert (headers["webhook-signature"], headers["webhook-timestamp"]) == (f"v1,{expected}", "1800000000")


def test_a_header_stays_the_same(database: Database, tmp_path: Path, system: System, dispatcher: Dispatcher) -> None:
    target(database, tmp_path, system, kind="header", name="X-Api-Key", value="the key")
    dispatcher(delivery(), renew=False)
    assert system.to("/hook")[0][0]["x-api-key"] == "the key"


def test_client_credentials_give_a_token_that_is_kept_until_it_is_refused(
    database: Database, tmp_path: Path, system: System, dispatcher: Dispatcher
) -> None:
    url = f"{system.url}/token"
    target(database, tmp_path, system, kind="client_credentials", token_url=url, client_id="us", client_secret="a:b c")
    system.takes = "token-1"
    assert [dispatcher(delivery(number), renew=False).verdict for number in (1, 2)] == [Verdict.OK] * 2
    system.takes = "token-2"
    assert dispatcher(delivery(3), renew=False).verdict is Verdict.REAUTHORIZE
    assert dispatcher(delivery(3), renew=True).verdict is Verdict.OK
    (first, _) = system.to("/token")
    assert base64.b64decode(first[0]["authorization"].removeprefix("Basic ")) == b"us:a%3Ab%20c"
    assert parse_qs(first[1]) == {"grant_type": ["client_credentials"], "scope": ["system/*.write"]}


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_backend_services_sign_an_assertion_of_their_own_each_time(
    database: Database, tmp_path: Path, system: System, dispatcher: Dispatcher, algorithm: str
) -> None:
    key = ec.generate_private_key(ec.SECP384R1()) if algorithm == "ES384" else rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    url = f"{system.url}/token"
    named = {"kind": "private_key_jwt", "token_url": url, "client_id": "us", "key_id": "k1"}
    target(database, tmp_path, system, **named, algorithm=algorithm, private_key=pem)
    system.takes = "token-1"
    assert dispatcher(delivery(), renew=False).verdict is Verdict.OK
    dispatcher(delivery(), renew=True)
    forms = [parse_qs(body) for _, body in system.to("/token")]
    assert forms[0]["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    found = []
    for form in forms:
        assertion = form["client_assertion"][0]
        assert jwt.get_unverified_header(assertion)["kid"] == "k1"
        options: Any = {"verify_exp": False, "verify_iat": False}
        found.append(jwt.decode(assertion, key.public_key(), [algorithm], audience=url, options=options))
    assert {(one["iss"], one["sub"]) for one in found} == {("us", "us")}
    assert all(0 < one["exp"] - NOW <= 300 for one in found)
    assert found[0]["jti"] != found[1]["jti"]


def test_a_redirection_is_not_followed(
    database: Database, tmp_path: Path, system: System, dispatcher: Dispatcher
) -> None:
    target(database, tmp_path, system)
    system.redirects = True
    assert dispatcher(delivery(), renew=False).verdict is Verdict.PERMANENT
    assert system.to("/elsewhere") == []


def test_an_answer_without_an_end_is_not_read_to_it(
    database: Database, tmp_path: Path, system: System, dispatcher: Dispatcher
) -> None:
    target(database, tmp_path, system)
    system.size = 5 << 20
    with pytest.raises(TooLong):
        dispatcher(delivery(), renew=False)


def test_a_target_whose_credentials_are_gone_waits(
    database: Database, tmp_path: Path, system: System, dispatcher: Dispatcher
) -> None:
    target(database, tmp_path, system)
    (tmp_path / "keys" / "outbox" / "hook.json").unlink()
    assert dispatcher(delivery(), renew=False).verdict is Verdict.TARGET_DOWN
    assert system.asked == []
