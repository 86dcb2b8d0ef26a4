"""Keys fetched from a client's address: a real server, asked seldom and trusted little."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.accounts.api import Api
from tests.clients.program import error_of, key_set, registered
from tests.serving import serving


class Keys(ThreadingHTTPServer):
    """Answers a JWK Set, or what else is to be tried, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked, self.status, self.body = 0, 200, json.dumps(key_set("ES384")).encode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/jwks.json"


class _Handler(BaseHTTPRequestHandler):
    server: Keys

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", self.server.url)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def keys() -> Iterator[Keys]:
    with serving(Keys()) as server:
        yield server


def test_keys_are_fetched_once_and_anew_for_a_new_key(api: Api, keys: Keys) -> None:
    program = registered(api, jwks_url=keys.url)
    assert [program.ask().status_code for _ in range(3)] == [200, 200, 200]
    assert keys.asked == 1
    keys.body = json.dumps(key_set("EdDSA")).encode()  # the client has another key now
    assert program.ask(assertion=program.assertion("EdDSA")).status_code == 401, "not asked again so soon"
    assert keys.asked == 1
    api.clock.time += 11
    assert program.ask(assertion=program.assertion("EdDSA")).status_code == 200
    assert error_of(program.ask(assertion=program.assertion("ES384"))) == "invalid_client"
    api.clock.time += 301
    assert program.ask(assertion=program.assertion("EdDSA")).status_code == 200
    assert keys.asked == 3


BAD = [
    (500, b"{}"),
    (302, b""),
    (200, b"no JSON"),
    (200, b"[" * 5000),
    (200, b'{"keys":[]}'),
    (200, b" " * 70_000 + json.dumps(key_set()).encode()),
]


@pytest.mark.parametrize(("status", "body"), BAD, ids=["error", "redirect", "text", "nested", "empty", "large"])
def test_keys_that_cannot_be_had_let_nobody_in(api: Api, keys: Keys, status: int, body: bytes) -> None:
    keys.status, keys.body = status, body
    answer = registered(api, jwks_url=keys.url).ask()
    assert (answer.status_code, error_of(answer)) == (401, "invalid_client")
    assert keys.asked == 1


def test_an_address_where_nobody_answers_lets_nobody_in(api: Api) -> None:
    answer = registered(api, jwks_url="http://127.0.0.1:9/jwks.json").ask()
    assert (answer.status_code, error_of(answer)) == (401, "invalid_client")
