"""A subscription's endpoint behind TLS: whom the platform trusts is what OpenSSL is told in SSL_CERT_FILE."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest
import urllib3

from cdss_api.fhir.hooks import post
from cdss_api.fhir.store import Stored
from tests.audit.collector import make_certificate
from tests.serving import serving

LOOPBACK = (ip_network("127.0.0.0/8"),)
STORED = Stored("Condition", "c", 1, 0, "POST", '{"resourceType": "Condition"}')


class _Handler(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204 if self.path == "/hook/Condition/c" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate that signed itself, with its key, in one file."""
    return make_certificate(tmp_path)


@pytest.fixture
def endpoint(certificate: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield f"https://127.0.0.1:{server.server_port}/hook"


def channel(endpoint: str) -> dict[str, object]:
    return {"type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json"}


def test_a_certificate_that_is_trusted_is_told(
    endpoint: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert post(channel(endpoint), STORED, "key", LOOPBACK)[0] == 204


def test_any_other_is_told_nothing(endpoint: str) -> None:
    with pytest.raises(urllib3.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        post(channel(endpoint), STORED, "key", LOOPBACK)


def test_a_certificate_of_another_host_is_told_nothing(
    endpoint: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(urllib3.exceptions.SSLError, match=r"localhost|[Hh]ostname"):
        post(channel(endpoint.replace("127.0.0.1", "localhost")), STORED, "key", LOOPBACK)
