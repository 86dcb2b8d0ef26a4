"""The external FHIR server: Medplum's router in a process of its own, and the faults put in front of it."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from cdss_api.outbox.outgoing import RESOURCE
from tests.emr.stops import Moment, Stop
from tests.patience import PATIENCE
from tests.serving import serving

_FOLDER = Path(__file__).parent


class Fault(StrEnum):
    """What happens to a request."""

    DROP_REQUEST = "the request is dropped"
    DROP_ANSWER = "the answer is dropped after the commit"
    CONFLICT = "409"
    TOO_MANY = "429 with RateLimit only"
    UNAVAILABLE = "503"
    SLOW = "slow"
    REFUSED = "422"


PASSING = tuple(fault for fault in Fault if fault is not Fault.REFUSED)


_REFUSAL = (
    b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing","diagnostics":"Not so"}]}'
)
_REFUSALS: dict[Fault | None, tuple[int, dict[str, str]]] = {
    Fault.CONFLICT: (409, {}),
    Fault.TOO_MANY: (429, {"RateLimit": '"default";r=0;t=7'}),
    Fault.UNAVAILABLE: (503, {}),
    Fault.REFUSED: (422, {}),
}


@contextmanager
def emr() -> Iterator[str]:
    """Run the server; yield the address of its FHIR interface."""
    with subprocess.Popen(["node", "server.mjs"], cwd=_FOLDER, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/fhir"
        finally:
            process.kill()


def empty(url: str) -> None:
    """Have the server at the address of its FHIR interface forget everything."""
    answer = requests.post(f"{url.removesuffix('/fhir')}/empty", timeout=PATIENCE)
    assert answer.status_code == 204, answer.text


@dataclass
class Line:
    """The way to the server: `faults` befall the next writes, one each; `down` is all of them.

    `entries` are resources of ours, TYPE/ID, whose entry of a Bundle is kept back and answered with a status.
    """

    upstream: str
    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    down: bool = False
    bundles: bool = True
    entries: dict[str, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)  # the types of what was created, in order
    asked: int = 0
    suffered: list[Fault] = field(default_factory=list)
    stop: Stop | None = None
    connections: int = 0  # that are open
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/fhir"

    @property
    def own(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return self.upstream.removeprefix("http://").partition("/")[0]

    def next(self, method: str) -> Fault | None:
        with self.lock:
            self.asked += 1
            if self.down:
                return Fault.DROP_REQUEST
            if method == "GET" or not self.faults:
                return None
            self.suffered.append(self.faults[0])
            return self.faults.pop(0)

    def passes(self, moment: Moment) -> None:
        """A request is at a moment of its way: it may be kept there."""
        if self.stop is not None:
            self.stop.passes(moment)

    def ours(self, kind: str, id_: str) -> list[dict[str, Any]]:
        """Return what the server has of a resource of ours."""
        name = "_tag" if kind == "Provenance" else "identifier"
        found = requests.get(f"{self.upstream}/{kind}", {name: f"{RESOURCE}|{kind}/{id_}"}, timeout=PATIENCE).json()
        return [entry["resource"] for entry in found.get("entry", [])]

    def one(self, kind: str, id_: str) -> dict[str, Any]:
        """Return the one that the server has of a resource of ours."""
        (found,) = self.ours(kind, id_)
        return found

    def history(self, kind: str, remote: str) -> list[dict[str, Any]]:
        """Return the versions that the server has, the newest first."""
        found = requests.get(f"{self.upstream}/{kind}/{remote}/_history", timeout=PATIENCE).json()
        return [entry["resource"] for entry in found["entry"] if "resource" in entry]


class _Handler(BaseHTTPRequestHandler):
    """Passes a request on, unless a fault befalls it."""

    def __init__(self, *arguments: Any, line: Line) -> None:
        self._line = line
        super().__init__(*arguments)

    def setup(self) -> None:
        super().setup()
        with self._line.lock:
            self._line.connections += 1

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            with self._line.lock:
                self._line.connections -= 1

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self._line.next(self.command)
        self._line.passes(Moment.ASKED)
        if fault in _REFUSALS:
            status, headers = _REFUSALS[fault]
            self._answer(status, headers, _REFUSAL)
            return
        if fault is Fault.DROP_REQUEST:
            self.close_connection = True
            return
        if self._is_bundle and not self._line.bundles:
            self._answer(404, {}, _REFUSAL)
            return
        if fault is Fault.SLOW:
            time.sleep(0.5)  # the fault itself
        status, headers, answer = self._asked_in_part(body) if self._is_bundle else self._ask(body)
        with self._line.lock:
            self._line.bodies.append(body)
            self._line.taken += self._made(status, body, answer)
        self._line.passes(Moment.TAKEN)
        if fault is Fault.DROP_ANSWER:
            self.close_connection = True
            return
        self._answer(status, headers, answer)
        self._line.passes(Moment.ANSWERED)

    do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815

    @property
    def _is_bundle(self) -> bool:
        return self.command == "POST" and self.path == "/fhir"

    def _made(self, status: int, body: bytes, answer: bytes) -> list[str]:
        if not self._is_bundle:
            return [self.path.rpartition("/")[2]] if status == 201 else []
        kinds = [entry["resource"]["resourceType"] for entry in json.loads(body)["entry"]]
        statuses = [entry["response"]["status"] for entry in json.loads(answer).get("entry", [])]
        return [kind for kind, status in zip(kinds, statuses, strict=False) if status == "201"]

    def _asked_in_part(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Pass on a Bundle without the entries that a fault befalls."""
        bundle = json.loads(body)
        told = [self._line.entries.get(_ours(entry["resource"])) for entry in bundle["entry"]]
        if not any(told):
            return self._ask(body)
        kept = [entry for entry, status in zip(bundle["entry"], told, strict=True) if status is None]
        status, headers, answer = self._ask(json.dumps(bundle | {"entry": kept}).encode()) if kept else (200, {}, b"{}")
        passed = iter(json.loads(answer).get("entry", []))
        entries = [next(passed) if one is None else {"response": {"status": str(one)}} for one in told]
        return (
            status,
            headers,
            json.dumps({"resourceType": "Bundle", "type": "batch-response", "entry": entries}).encode(),
        )

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self._line.host, timeout=PATIENCE)
        try:
            skipped = ("host", "connection", "accept-encoding")
            headers = {name: value for name, value in self.headers.items() if name.lower() not in skipped}
            headers["Content-Length"] = str(len(body))
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name in ("ETag", "Location")}
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        with suppress(ConnectionError):  # whoever asked may have been killed
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _ours(resource: dict[str, Any]) -> str:
    named = [one["value"] for one in resource.get("identifier", []) if one.get("system") == RESOURCE]
    return str(named[0]) if named else ""


@contextmanager
def line_to(upstream: str) -> Iterator[Line]:
    """Put faults in front of a server."""
    line = Line(upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, line=line))
    line.port = server.server_address[1]
    with serving(server):
        yield line
