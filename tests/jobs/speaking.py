"""A small server that speaks the contract of the inference service, and errs where a test says so."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from tests.jobs.judging import sha

DIGEST = sha("model")
SHAPE = (3, 4, 5)


def problem(status: int, code: str) -> tuple[int, bytes]:
    return status, json.dumps({"code": code, "detail": f"It is {code}."}).encode()


def npz(shape: tuple[int, ...] = SHAPE, kind: str = "u1") -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, mask=np.zeros(shape, kind))
    return file.getvalue()


@dataclass
class Spoken:
    """What the server knows and was asked; `err` may answer in its place: (method, path) to status and body."""

    digest: str = DIGEST
    err: Callable[[str, str], tuple[int, bytes] | None] = lambda _method, _path: None
    status: str = "succeeded"
    reason: str | None = None
    mask: bytes = field(default_factory=npz)
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        self.asked.append((method, path))
        said = self.err(method, path)
        if said is not None:
            return said
        if path == "/models":
            told = {"id": "ct-hyperdensity", "version": "1", "digest": self.digest, "deadline": 60}
            return 200, json.dumps({"models": [told]}).encode()
        if method == "POST":
            return self._take(json.loads(body))
        key = path.split("/")[4]
        if key not in self.known:
            return problem(404, "unknown_job")
        if method == "DELETE":
            del self.known[key]
            return 204, b""
        return (200, self.mask) if path.endswith("/mask") else (200, json.dumps(self._job(key)).encode())

    def count(self, method: str) -> int:
        return sum(one == method for one, path in self.asked if path != "/models")

    def _take(self, request: dict[str, Any]) -> tuple[int, bytes]:
        if request["model"]["digest"] != self.digest:
            return problem(409, "model_changed")
        self.known[request["job_key"]] = request
        return 202, json.dumps(self._job(request["job_key"], "queued")).encode()

    def _job(self, key: str, status: str | None = None) -> dict[str, Any]:
        request, status = self.known[key], status or self.status
        job = {"job_key": key, "status": status, "trace_id": request["trace_id"]}
        if status == "succeeded":
            segments = [{"number": 1, "label": "a"}]
            mask = {"path": f"/api/v1/inference/{key}/mask", "shape": SHAPE, "segments": segments}
            known = {"measurements": [], "findings": [], "limits": [], "seconds": 1.5, "mask": mask}
            job["result"] = known | {"model": request["model"]} | self.result
        return job | ({"reason": self.reason, "detail": "Why."} if self.reason else {})


@contextmanager
def speaking() -> Iterator[Spoken]:
    """Serve until the block ends."""
    spoken = Spoken()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = spoken.answer(self.command, self.path, body)
            self.send_response(status)
            for name, value in spoken.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names that the base class asks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    spoken.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield spoken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
