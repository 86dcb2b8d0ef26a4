"""A small server of the Open Inference Protocol, version 2, whose model outlines what is bright; it errs where told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from tests.serving import serving

HEADER = "Inference-Header-Content-Length"


@dataclass
class KServe:
    """What it was asked, and how it errs: a status, a body in place of its own, or silence until the end."""

    url: str = ""
    status: int = 200
    body: bytes | None = None
    changed: dict[str, Any] = field(default_factory=dict)  # members of the output
    silent: bool = False
    ended: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def answer(self, path: str, body: bytes, head: int | None) -> tuple[bytes, int | None]:
        """Return the answer's bytes, and how many of them are JSON where a mask in binary follows."""
        asked = json.loads(body[:head])
        self.asked.append((path, asked))
        (tensor,) = asked["inputs"]
        values = np.array(tensor["data"], "<f4") if head is None else np.frombuffer(body, "<f4", -1, head)
        mask = (values.reshape(tensor["shape"]) > 100).astype(np.uint8)
        output: dict[str, Any] = {"name": "mask", "datatype": "UINT8", "shape": list(mask.shape)}
        binary = asked["outputs"][0]["parameters"]["binary_data"]
        more = {"parameters": {"binary_data_size": mask.size}} if binary else {"data": mask.ravel().tolist()}
        told = json.dumps({"model_name": "bright", "outputs": [output | more | self.changed]}).encode()
        return (told + mask.tobytes(), len(told)) if binary else (told, None)


@contextmanager
def kserve() -> Iterator[KServe]:
    """Serve until the block ends."""
    said = KServe()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            head = self.headers.get(HEADER)
            answer, told = said.answer(self.path, body, None if head is None else int(head))
            if said.silent:
                said.ended.wait()
            answer = answer if said.body is None else said.body
            self.send_response(said.status)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("Location", "/elsewhere")
            if told is not None:
                self.send_header(HEADER, str(told))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    said.url = f"http://127.0.0.1:{server.server_address[1]}"
    with serving(server):
        try:
            yield said
        finally:
            said.ended.set()
