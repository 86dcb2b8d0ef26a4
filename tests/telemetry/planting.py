"""A platform that is given a name, a token and passwords through every door; none of its log files may have them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from neuronova.platform.layout import REPOSITORY
from tests.inference.service import head_ct
from tests.jobs.hospital import stored_head
from tests.patience import PATIENCE
from tests.running import NEURONOVA, Platform
from tests.server import Server, until
from tests.serving import serving

FAMILY, GIVEN, NUMBER = "Plantagenet", "Eleonora", "PID-771-4093"
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmVkLWJ5LW5vYm9keQ"
PASSWORD = "planted-horse-battery"
WORDS = (FAMILY, GIVEN, NUMBER, TOKEN, PASSWORD)
PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:neuronova:patient-id", "value": NUMBER}],
    "name": [{"family": FAMILY, "given": [GIVEN]}],
}
RULES = """
rules:
  - name: any-ct
    model: ct-hyperdensity
    conditions: [{all: Modality, equals: CT}]
"""


class Echo(ThreadingHTTPServer):
    """A target that refuses what comes, and quotes it; `headers` are those of each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Echoing)
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Echoing(BaseHTTPRequestHandler):
    server: Echo

    def _refuse(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        answer = b"no: " + body + f" for {TOKEN} password={PASSWORD}".encode()
        self.send_response(422, f"{FAMILY}^{GIVEN}")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = _refuse  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def echo() -> Iterator[Echo]:
    with serving(Echo()) as server:
        yield server


def add_target(platform: Platform, name: str, url: str, *options: str) -> None:
    """Have the outbox deliver to an address."""
    done = subprocess.run(
        [NEURONOVA, "outbox", "target", "add", name, url, *options],
        env=platform.environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def store_named(platform: Platform) -> str:
    """Send a head CT whose patient has the name; return its SeriesInstanceUID."""
    stored_head(platform, "somebody-else")  # waits until the modality is let in
    images = head_ct("planted", bleeding=True)
    for image in images:
        image.PatientName, image.PatientID = f"{FAMILY}^{GIVEN}", NUMBER
    Server(platform.settings).send(*images)
    return str(images[0].SeriesInstanceUID)


def plant(platform: Platform) -> None:
    """Go through the doors that HTTP opens: the archive, the login, the record; and lastly a part that is down."""
    token = platform.login()["access_token"]
    mine = {"Authorization": f"Bearer {token}"}
    for headers in (mine, {"Authorization": f"Bearer {TOKEN}"}, {"Cookie": f"neuronova_session={TOKEN}"}):
        _query(platform, headers)
        requests.get(f"{platform.url}/api/v1/fhir/Patient?family={FAMILY}", headers=headers, timeout=PATIENCE)
    for username in (FAMILY, "admin"):
        asked = {"username": username, "password": PASSWORD}
        requests.post(f"{platform.url}/api/v1/auth/login", json=asked, timeout=PATIENCE)
    fhir = f"{platform.url}/api/v1/fhir/Patient"
    large = PATIENT | {"text": {"status": "generated", "div": f"<div>{FAMILY} {'x' * 40000}</div>"}}
    for document in (PATIENT, large, PATIENT | {"birthDate": FAMILY}, [PATIENT]):
        more = {"Content-Type": "application/fhir+json"}
        requests.post(f"{fhir}?name={FAMILY}", data=json.dumps(document), headers=mine | more, timeout=PATIENCE)
    requests.get(f"{platform.url}/api/v1/nowhere/{token}?token={TOKEN}", headers=mine, timeout=PATIENCE)
    for program in ("Orthanc", "cdss_api.wsgi"):
        _query_while_down(platform, program, mine)


def _query(platform: Platform, headers: dict[str, str]) -> int:
    query = {"PatientName": f"{FAMILY}^{GIVEN}", "PatientID": NUMBER, "token": TOKEN}
    return requests.get(f"{platform.url}/dicom-web/studies", query, headers=headers, timeout=PATIENCE).status_code


def _query_while_down(platform: Platform, program: str, headers: dict[str, str]) -> None:
    def answer() -> int:
        url = f"{platform.url}/api/v1/fhir/Patient?family={FAMILY}&token={TOKEN}"
        try:
            if program == "Orthanc":
                return _query(platform, headers)
            return requests.get(url, headers=headers, timeout=PATIENCE).status_code
        except requests.RequestException:
            return 0  # it was killed within its answer

    pid = platform.pid_of(program)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: answer() in (502, 503), f"{program} is down")
    until(platform.healthy, f"{program} is back")


def leaks(folder: Path) -> list[str]:
    """Return the lines of log files that have a word that was planted."""
    found = []
    for path in sorted(folder.rglob("*")):
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
        found += [f"{path.name}: {line[:400]}" for line in lines if any(word in line for word in WORDS)]
    return found
