"""What Orthanc has no settings for on its listening sockets, and what can be set within its process once they listen.

It takes its two ports on every address: DCMTK listens on INADDR_ANY, and the HTTP server accepts a connection from
anywhere and then answers 401. Bound to the interface `lo`, a socket is closed to other machines.

And it waits in the one thread that accepts associations until a connection has said something: one that is silent, as
that of a port scanner, holds every modality up for 30 seconds.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterator

from neuronova.contract.loopback import is_loopback
from neuronova.contract.settings import Settings

SILENT = 120
"""Seconds, about, that a connection may be silent before Orthanc sees it."""


def settle(settings: Settings) -> None:
    """Set what is to be set on Orthanc's sockets; it listens on all of them."""
    keep_to_loopback(loopback_ports(settings))
    accept_when_spoken_to(settings.dicom_port)


def loopback_ports(settings: Settings) -> frozenset[int]:
    """Return the ports of Orthanc that only this machine may reach."""
    if is_loopback(settings.bind):
        return frozenset((settings.orthanc_port, settings.dicom_port))
    return frozenset((settings.orthanc_port,))


def keep_to_loopback(ports: Collection[int]) -> set[int]:
    """Bind this process's listening TCP sockets on `ports` to `lo`; return the ports that are now bound."""
    bound: set[int] = set()
    for port, listener in _listeners():
        if port in ports:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
            bound.add(port)
    return bound


def accept_when_spoken_to(port: int) -> None:
    """Have the system keep connections on `port` to itself until data came (an A-ASSOCIATE-RQ, PS3.8 9.3.2)."""
    for found, listener in _listeners():
        if found == port:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT)


def _listeners() -> Iterator[tuple[int, socket.socket]]:
    """Yield this process's listening TCP sockets with their ports."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are numbers here, not paths
        try:
            duplicate = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue  # no socket
        with duplicate:
            port = _listening_port(duplicate)
            if port is not None:
                yield port, duplicate


def _listening_port(candidate: socket.socket) -> int | None:
    if candidate.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    if not candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return None
    return int(candidate.getsockname()[1])
