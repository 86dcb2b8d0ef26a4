"""Keep a server's listening sockets to the loopback interface.

Orthanc takes its two ports on every address and has no setting for it: DCMTK listens on INADDR_ANY, and
the HTTP server accepts a connection from anywhere and then answers 401. Inside the process the sockets can
be bound to the interface `lo` once they listen, and other machines then find the port closed.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Collection

from neuronova.contract.settings import Settings


def loopback_ports(settings: Settings) -> frozenset[int]:
    """Return the ports of Orthanc that only this machine may reach."""
    if is_loopback(settings.bind):
        return frozenset((settings.orthanc_port, settings.dicom_port))
    return frozenset((settings.orthanc_port,))


def is_loopback(address: str) -> bool:
    """Tell whether an address to listen on is reached from this machine alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def keep_to_loopback(ports: Collection[int]) -> set[int]:
    """Bind this process's listening TCP sockets on `ports` to `lo`; return the ports that are now bound."""
    bound: set[int] = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are numbers here, not paths
        try:
            duplicate = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue  # no socket
        with duplicate:
            port = _listening_port(duplicate)
            if port is not None and port in ports:
                duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
                bound.add(port)
    return bound


def _listening_port(candidate: socket.socket) -> int | None:
    if candidate.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    if not candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return None
    return int(candidate.getsockname()[1])
