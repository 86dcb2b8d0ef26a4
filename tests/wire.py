"""A wire between two parts: TCP that is passed on, counted, slowed, held back or cut."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

_CHUNK = 1 << 16
_DELAY = 0.2  # seconds a packet, where it is slow
_LOOK = 0.05


class Mode(StrEnum):
    """What the wire does."""

    PASSING = "passing"
    SLOW = "slow"  # each packet waits
    SILENT = "silent"  # nothing is passed on, and nobody is told
    CUT = "cut"  # connections are reset, new ones are closed at once


class Wire:
    """Listens on a port of its own, and passes each connection on to the one that `connect` opens."""

    def __init__(self, connect: Callable[[], socket.socket], host: str = "127.0.0.1") -> None:
        self.mode = Mode.PASSING
        self.connections = 0
        self._connect = connect
        self._listener = socket.create_server((host, 0), backlog=128)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def being(self, mode: Mode) -> Iterator[None]:
        """Be so for the length of a block."""
        self.mode = mode
        if mode is Mode.CUT:
            self._reset()
        try:
            yield
        finally:
            self.mode = Mode.PASSING

    def close(self) -> None:
        """Listen no more."""
        self._listener.shutdown(socket.SHUT_RDWR)  # closing alone leaves it to a last one, for whom `accept` waits
        self._listener.close()
        self._reset()

    def _reset(self) -> None:
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self.mode is Mode.CUT:
                    raise ConnectionRefusedError
                far = self._connect()
            except OSError:
                near.close()
                continue
            with self._lock:
                self.connections += 1
                self._open |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if self.mode is Mode.SLOW:
                    time.sleep(_DELAY)
                while self.mode is Mode.SILENT:
                    time.sleep(_LOOK)
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source}
        source.close()


def to_port(port: int) -> Callable[[], socket.socket]:
    """Return what connects to a port of this machine."""
    return lambda: socket.create_connection(("127.0.0.1", port), timeout=None)


def to_socket(path: str) -> Callable[[], socket.socket]:
    """Return what connects to a Unix socket."""

    def connect() -> socket.socket:
        end = socket.socket(socket.AF_UNIX)
        end.connect(path)
        return end

    return connect
