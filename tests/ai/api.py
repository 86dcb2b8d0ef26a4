"""A receiver in the API's place, which keeps what Orthanc's plugin tells of series, and an Orthanc that tells it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from neuronova.contract.ai.judged import SeriesJudged, from_json
from orthanc_plugins.following import KEY_HEADER
from tests.server import Server, settings_for, until
from tests.serving import serving

QUIET = 3.0  # seconds: longer than a busy machine pauses between two images
SOON = 60.0  # seconds; the machine is busy with other tests
KEY = "the key of these tests"
PATH = "/api/v1/internal/series"


class Receiver(ThreadingHTTPServer):
    """Keeps every message in its order; while `status` is not 200 it answers that, and counts."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.told: list[SeriesJudged] = []
        self.status = 200
        self.refused = 0
        self.lock = threading.Lock()

    def until_told(self, count: int) -> list[SeriesJudged]:
        """Wait until there are so many messages, and return them."""
        until(lambda: len(self.told) >= count, f"{count} messages, now {self.told}", SOON)
        assert len(self.told) == count
        return list(self.told)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = 404
        if self.path == PATH and self.headers[KEY_HEADER] == KEY:
            with self.server.lock:
                status = self.server.status
                if status == 200:
                    self.server.told += from_json(json.loads(body))
                else:
                    self.server.refused += 1
        self._answer(status)

    def do_GET(self) -> None:
        self._answer(404)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class Judging:
    """An Orthanc whose plugin judges series, and what hears of it."""

    server: Server
    api: Receiver


def server_in(data: Path, **more: str) -> Server:
    """Return an Orthanc, not yet started, whose series are ready soon."""
    settings = settings_for(data, **{"NEURONOVA_AI_QUIET_SECONDS": str(QUIET), "NEURONOVA_ENCODE_WORKERS": "1"} | more)
    (data / "keys").mkdir(parents=True)
    (data / "keys" / "plugin.key").write_text(KEY)
    return Server(settings)


@contextmanager
def receiver(server: Server) -> Iterator[Receiver]:
    """Listen where the server's plugin looks for the API."""
    with serving(Receiver(server.settings.api_port)) as made:
        yield made
