"""An address that leads to another one, as a site's tunnel does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

from tests.serving import serving


class Relay(ThreadingTCPServer):
    """Passes on what comes to an address of this machine, and counts the connections."""

    daemon_threads = True

    def __init__(self, host: str, to: int) -> None:
        super().__init__((host, 0), _Handler)
        self.to = to
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"


class _Handler(BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        self.server.connections += 1
        with socket.create_connection(("127.0.0.1", self.server.to)) as there:
            back = threading.Thread(target=_copy, args=(there, self.request), daemon=True)
            back.start()
            _copy(self.request, there)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(1 << 16):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def relay(host: str, to: int) -> Iterator[Relay]:
    """Lead from an address of this machine to a port of 127.0.0.1 for the length of a block."""
    with serving(Relay(host, to)) as server:
        yield server
