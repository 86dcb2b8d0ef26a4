"""What the gateway hands on and takes away, with a part behind it that answers what it was asked."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
import requests

from neuronova.platform import render
from neuronova.platform.layout import Layout, make_folders
from neuronova.platform.parts import answers_tcp
from neuronova.platform.programs import find_programs
from tests.patience import PATIENCE
from tests.server import settings_for, until

JPHC = "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202"
MULTIPART = 'multipart/related; type="image/jphc"; boundary=x'


class Echo(BaseHTTPRequestHandler):
    """Answers the request's own headers, labelled as `?as=` says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        named = unquote_plus(self.path.partition("as=")[2]) or "application/dicom+json"
        body = json.dumps({name.lower(): value for name, value in self.headers.items()} | {"": " " * 4000}).encode()
        self.send_response(200)
        self.send_header("Content-Type", named)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """nginx with its generated configuration, and the echo in the place of Orthanc and of nothing else."""
    settings = settings_for(tmp_path_factory.mktemp("gateway") / "data")
    layout = Layout(settings.data)
    make_folders(layout)
    config = render.gateway_config(render.GATEWAY_TEMPLATE.read_text(), settings, layout, user="root")
    layout.gateway_config.write_text(config)
    programs = find_programs()
    command = render.commands(settings, layout, programs, Path("python"))["gateway"]
    echo = ThreadingHTTPServer(("127.0.0.1", settings.orthanc_port), Echo)
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    with (layout.log / "gateway.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as nginx:
        try:
            until(lambda: answers_tcp("127.0.0.1", settings.http_port), "nginx listens")
            yield settings.gateway_url
        finally:
            nginx.terminate()
            echo.shutdown()
            echo.server_close()


def seen(gateway: str, query: str = "", **headers: str) -> dict[str, str]:
    """Return the headers that the part behind the gateway was sent."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = requests.get(f"{gateway}/dicom-web/studies{query}", headers=named, timeout=PATIENCE)
    found: dict[str, str] = answer.json()
    return found


@pytest.mark.parametrize(
    ("sent", "token"),
    [
        ({"Authorization": "Bearer abc.def"}, "abc.def"),
        ({"Authorization": "bearer  abc"}, "abc"),
        ({"Cookie": "neuronova_session=from-cookie"}, "from-cookie"),
        ({"Cookie": "other=1; neuronova_session=c", "Authorization": "Bearer wins"}, "wins"),
        ({"Cookie": "other=1"}, None),
        ({"Authorization": "Basic dXNlcjp4"}, None),
        ({"X_Neuronova_Token": "forged"}, None),
        ({"X_Neuronova_Token": "forged", "Authorization": "Bearer own"}, "own"),
        ({}, None),
    ],
)
def test_one_header_carries_the_token(gateway: str, sent: dict[str, str], token: str | None) -> None:
    found = seen(gateway, **sent)
    assert found.get("x-neuronova-token") == token
    assert "authorization" not in found
    assert "cookie" not in found


def test_the_address_of_the_client_and_of_the_gateway_cannot_be_forged(gateway: str) -> None:
    forged = {"X_Forwarded_For": "203.0.113.1", "X_Neuronova_Client": "203.0.113.1", "Forwarded": "for=203.0.113.1"}
    found = seen(gateway, X_Forwarded_Host="evil.example", X_Forwarded_Proto="gopher", **forged)
    assert found["x-forwarded-for"] == found["x-neuronova-client"] == "127.0.0.1"
    assert "forwarded" not in found
    assert found["x-forwarded-host"] == found["host"] == gateway.removeprefix("http://")
    assert found["x-forwarded-proto"] == "http"


@pytest.mark.parametrize(
    ("query", "handed"),
    [
        ("?includefield=a&includefield=b", "includefield=a&includefield=b"),
        ("?PatientName=%ED%99%8D*&x=1%2C2", "PatientName=%ED%99%8D*&x=1%2C2"),
        ("", None),
    ],
)
def test_the_query_is_handed_on_as_it_came(gateway: str, query: str, handed: str | None) -> None:
    assert seen(gateway, query, X_Neuronova_Query="forged=1").get("x-neuronova-query") == handed


@pytest.mark.parametrize(
    ("kind", "encoded"),
    [
        ("application/dicom+json", True),
        ("application/json", True),
        (JPHC, False),
        ("image/jpeg", False),
        ("application/octet-stream", False),
        ("application/dicom", False),
        (MULTIPART, False),
        ("multipart/related; type=application/dicom+xml; boundary=x", False),
    ],
)
def test_what_is_compressed_on_the_way(gateway: str, kind: str, encoded: bool) -> None:
    answer = requests.get(
        f"{gateway}/dicom-web/x", params={"as": kind}, headers={"Accept-Encoding": "gzip"}, timeout=PATIENCE
    )
    assert answer.headers["Content-Type"] == kind
    assert (answer.headers.get("Content-Encoding") == "gzip") is encoded
    assert ("Content-Length" in answer.headers) is not encoded
    assert "accept-encoding" not in answer.json()


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_health_without_the_api_is_json(gateway: str, path: str) -> None:
    answer = requests.get(gateway + path, timeout=PATIENCE)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["parts"]["api"]["status"] == "down"


def test_a_part_that_is_away_is_a_problem(gateway: str) -> None:
    answer = requests.get(f"{gateway}/api/v1/health", timeout=PATIENCE)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["status"] == 503
