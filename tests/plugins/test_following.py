"""The thread that follows the API goes on, whatever happens to what it was told."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orthanc_plugins import following
from orthanc_plugins.following import Followed, Follower
from tests.server import until


class Answering(BaseHTTPRequestHandler):
    """Answers as the API does that has something to tell."""

    def do_GET(self) -> None:
        body = b'{"version": 1}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_full_disk_does_not_end_it(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LONG_PAUSE", 0.05)
    key = tmp_path / "plugin.key"
    key.write_text("secret")
    taken: list[Any] = []
    ended = threading.Event()

    def take_in(said: Any) -> None:
        taken.append(said)
        if len(taken) <= 3:
            raise sqlite3.OperationalError("database or disk is full")
        ended.set()
        threading.Event().wait()  # for ever: the thread ends with the process

    Follower(Followed(name="grants", version=lambda: 0, take_in=take_in, meanwhile="-"), port, key).start()
    until(ended.is_set, "it goes on")
    assert taken == [{"version": 1}] * 4
