"""The outbox: from the commit of a message to its arrival, one after the other, with the worker's own process."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.report import Row
from cdss_api.database import Database, database_url, migrate, open_database
from cdss_api.outbox import configured_targets
from cdss_api.outbox.configured_targets import Wanted
from cdss_api.outbox.credentials import Credentials, new_signing_secret
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.profiles import Kind
from neuronova.contract.settings import read_settings
from tests.serving import serving
from tests.worker import worker

LIMIT = 0.3  # seconds, of 95 of 100 messages
_PAYLOAD = '{"resourceType": "Patient", "id": "a", "active": true}'
_PATIENCE = 30.0  # seconds


@dataclass
class _Arrivals:
    """When each message came, by its key's order of arrival."""

    port: int = 0
    times: list[float] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, number: int) -> float:
        """Return when the message of that number came."""
        with self.came:
            if not self.came.wait_for(lambda: len(self.times) >= number, _PATIENCE):
                raise RuntimeError(f"message {number} did not arrive")
            return self.times[number - 1]


def latency(name: str, variables: dict[str, str], messages: int) -> Row:
    """Return the 95th of 100 times from commit to arrival at a webhook; `variables` name the database."""
    with TemporaryDirectory(prefix="nnl", dir="/var/tmp") as folder, _webhook() as arrivals:
        (Path(folder) / "api").mkdir()
        ours = {"NEURONOVA_DATA": folder, **variables}
        settings = read_settings(ours)
        _migrated(database_url(settings))
        database = open_database(settings)
        wanted = Wanted(
            target="sink",
            profile=Kind.WEBHOOK,
            url=f"http://127.0.0.1:{arrivals.port}/",
            kinds=["Patient"],
            credentials=Credentials(signing_secret=new_signing_secret()),
        )
        with database.writing() as session:
            configured_targets.add(session, settings.data, wanted, time.time())
        try:
            with worker(ours):
                _sent(database, arrivals, 1)  # until the worker has started, and serves this target
                taken = sorted(_sent(database, arrivals, number) for number in range(2, messages + 2))
        finally:
            database.close()
    p95 = taken[int(len(taken) * 0.95)]
    what = f"outbox: from commit to arrival, p95 of {messages} messages one by one, {name}"
    note = f"(median {taken[len(taken) // 2] * 1000:.0f} ms)"
    return Row(
        what=what,
        against=f"{LIMIT * 1000:.0f} ms",
        ours=p95 * 1000,
        peer=LIMIT * 1000,
        unit="ms",
        ratio=p95 / LIMIT,
        target=1.0,
        at_most=True,
        note=note,
    )


def _sent(database: Database, arrivals: _Arrivals, number: int) -> float:
    # At no fixed place between two looks of the worker.
    time.sleep(random.random() * 0.2)
    with database.writing() as session:
        enqueue(session, target="sink", aggregate=str(number), kind="put", payload=_PAYLOAD, now=time.time())
    committed = time.monotonic()
    return arrivals.wait(number) - committed


def _migrated(url: Any) -> None:
    database = Database(url)
    try:
        migrate(database)
    finally:
        database.close()


@contextmanager
def _webhook() -> Iterator[_Arrivals]:
    arrivals = _Arrivals()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            at = time.monotonic()
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            with arrivals.came:
                arrivals.times.append(at)
                arrivals.came.notify_all()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    arrivals.port = server.server_address[1]
    with serving(server):
        yield arrivals
