"""The door of a platform that does not answer, or takes nothing for now."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from neuronova.importing.door import ATTEMPTS, Answer, Door
from neuronova.importing.outcome import Refused
from neuronova.platform.errors import PlatformError
from tests.server import free_ports

TAKEN = Answer(identifier="one", was_there=False)


@contextmanager
def answering(statuses: list[int], port: int = 0) -> Iterator[str]:
    """Answer each object by the next of these statuses, by the last ever after; give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(statuses.pop(0) if len(statuses) > 1 else statuses[0], {"ID": "one", "Status": "Success"})

        def do_GET(self) -> None:
            self._answer(200, {"code": "disk-full", "detail": "The disk is full."})

        def _answer(self, status: int, said: dict[str, str]) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def door(url: str, patience: float = 0.0) -> Door:
    return Door(url, lambda: "token", patience=patience)


@pytest.mark.parametrize("status", [401, 429, 503, 507])
def test_what_passes_is_sent_again(status: int) -> None:
    with answering([status, status, 200]) as url:
        assert door(url).send(b"an object") == TAKEN


def test_what_does_not_pass_is_sent_once() -> None:
    with answering([400, 200]) as url, pytest.raises(Refused, match="400"):
        door(url).send(b"an object")


def test_a_platform_that_takes_nothing_is_left_after_some_tries() -> None:
    left = [507] * (ATTEMPTS + 2)
    with answering(left) as url, pytest.raises(PlatformError, match="disk is full"):
        door(url).send(b"an object")
    assert len(left) == 2


def test_a_platform_that_starts_is_waited_for() -> None:
    port = free_ports(1)[0]
    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(door(f"http://127.0.0.1:{port}", patience=60).send, b"an object")
        time.sleep(0.5)
        with answering([200], port):
            assert sent.result(60) == TAKEN


def test_one_that_stays_away_is_waited_for_no_longer_than_asked() -> None:
    with pytest.raises(PlatformError, match="nothing answers"):
        door(f"http://127.0.0.1:{free_ports(1)[0]}", patience=0.3).send(b"an object")


def test_who_is_interrupted_waits_no_more() -> None:
    waiting = door(f"http://127.0.0.1:{free_ports(1)[0]}", patience=600)
    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(waiting.send, b"an object")
        waiting.end()
        with pytest.raises(PlatformError, match="interrupted"):
            sent.result(60)
