"""Clients that send slowly at a real gateway."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import requests

from tests.patience import PATIENCE
from tests.running import Platform
from tests.server import until

SLOW = 400
LONGEST = 40.0  # seconds that one who never ends a header may keep a connection


def test_slow_headers_hold_nobody_up_and_are_cut_off(platform: Platform) -> None:
    with ExitStack() as stack:
        started = time.monotonic()
        slow = [stack.enter_context(dribbling(platform)) for _ in range(SLOW)]
        for _ in range(5):
            assert requests.get(f"{platform.url}/health", timeout=PATIENCE).ok
        until(lambda: not [one for one in slow if is_open(one)], "the gateway ends them", LONGEST)
        assert time.monotonic() - started > 5, "a header may take some seconds"


def dribbling(platform: Platform) -> socket.socket:
    """Open a connection on which a header has begun."""
    connection = socket.create_connection(("127.0.0.1", platform.settings.http_port), timeout=PATIENCE)
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    connection.setblocking(False)
    return connection


def is_open(connection: socket.socket) -> bool:
    """Tell whether a connection goes on; a letter more is sent on it."""
    try:
        connection.send(b"x")
        return connection.recv(4096) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
