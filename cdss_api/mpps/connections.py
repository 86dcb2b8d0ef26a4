"""Connections within limits: pynetdicom by itself waits for ever for what was announced, of whatever length."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from socket import socket
from socketserver import TCPServer
from typing import Any

from pynetdicom import evt
from pynetdicom.transport import ThreadedAssociationServer

from neuronova.contract.settings import Settings

LARGEST = 8 << 20  # bytes of one request: a step of 40,000 images has about 5 MB
MOST = 64  # connections at a time
SILENCE = 5.0  # seconds until a connection has to say who it is; one that was closed counts as long
PATIENCE = 30.0  # seconds that the rest of what was begun may take to come


class TooLarge(OSError):
    """A request that is larger than any step; the connection ends."""


class Server(ThreadedAssociationServer):
    """Takes connections; one that says nothing is ended by pynetdicom's own time-outs."""

    def get_request(self) -> tuple[socket, tuple[str, int]]:
        """Take a connection; TLS is negotiated by its own thread, so that nobody has to wait for a silent one."""
        listening: Any = self.socket
        connection, address = listening.accept()
        connection.settimeout(PATIENCE)
        if self.ssl_context is not None:
            connection = self.ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def shutdown(self) -> None:
        """Take no more connections."""
        TCPServer.shutdown(self)
        self.server_close()

    def verify_request(self, _request: Any, _address: Any) -> bool:
        """Take no more than `MOST`."""
        return len(self.active_associations) < MOST


class _Bounded:
    """Reads from a connection what one request may have."""

    def __init__(self, receive: Callable[[int], bytearray]) -> None:
        self._receive = receive
        self.left = LARGEST

    def __call__(self, count: int) -> bytearray:
        if count > self.left:
            raise TooLarge("a request is too large")
        self.left -= count
        return self._receive(count)


def bound(event: evt.Event) -> None:
    """Limit what a connection that was opened may send until its first request is whole."""
    connection: Any = event.assoc.dul.socket
    connection.recv = _Bounded(connection.recv)


def message_ended(event: evt.Event) -> None:
    """Let the next request be as large."""
    connection: Any = event.assoc.dul.socket
    connection.recv.left = LARGEST


def tls(settings: Settings) -> ssl.SSLContext | None:
    """Return by what connections are encrypted, None where DICOM is not: as at Orthanc's door, both sides prove theirs.

    Raises:
        OSError: a file cannot be used.
    """
    if settings.dicom_tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=settings.dicom_tls_ca)
    context.load_cert_chain(settings.dicom_tls_certificate, settings.dicom_tls_key)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
