"""A receiver over HTTP with an idempotency of its own; where it is told to, it drops its answer after committing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.verdicts import Outcome, of_answer
from tests.patience import PATIENCE
from tests.serving import serving


class Inbox(ThreadingHTTPServer):
    """What arrived, in its order; `effects` holds each message once, however often it came."""

    def __init__(self, drops: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.drops = drops  # how many answers of each message it drops
        self.effects: list[str] = []
        self.arrivals: Counter[str] = Counter()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def commit(self, key: str, payload: str) -> bool:
        """Take a message in; return whether the answer is to be sent."""
        with self.lock:
            if not self.arrivals[key]:
                self.effects.append(payload)
            self.arrivals[key] += 1
            return self.arrivals[key] > self.drops


class _Handler(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        payload = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if not self.server.commit(self.headers["Idempotency-Key"], payload):
            self.close_connection = True
            return
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def inbox(drops: int = 0) -> Iterator[Inbox]:
    """Run a receiver for the length of a block."""
    with serving(Inbox(drops)) as server:
        yield server


def post(url: str, delivery: Delivery) -> Outcome:
    """Send a message to a receiver."""
    headers = {"Idempotency-Key": delivery.key}
    answer = requests.post(url, data=delivery.payload.encode(), headers=headers, timeout=PATIENCE)
    return of_answer(answer.status_code, answer.headers, 0.0)
