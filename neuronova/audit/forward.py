"""Sending all records to a syslog collector over TLS (RFC 5425), each at least once, going on after any interruption.

Syslog has no acknowledgements. How far a collector has come is saved once its machine has taken all that was sent and
the connection still stands; what was sent after that is sent again on the next connection.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import logging
import socket
import sqlite3
import ssl
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from neuronova.audit.positions import Position, name_of, read_position, write_position
from neuronova.audit.reading import BadJournal, Reader
from neuronova.audit.syslog import framed, syslog_message
from neuronova.audit.trail import Trail
from neuronova.contract.settings import Settings

log = logging.getLogger(__name__)

AT_ONCE = 500  # records of one journal in one step
LONGEST_PAUSE = 60.0  # seconds
TIMEOUT = 10.0
FAREWELL = 2.0  # that the end waits for a collector to have read everything


@dataclass(frozen=True, kw_only=True, slots=True)
class Collector:
    """Where records are sent to: verified by `authority` or else by the system's, and shown a certificate of ours.

    The files are read for each connection, so that a certificate can be renewed.
    """

    host: str
    port: int
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return what a connection is made with.

        Raises:
            OSError: a file cannot be read, or does not hold what it should (ssl.SSLError).
        """
        context = ssl.create_default_context(cafile=self.authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            # Nobody is there to type a password.
            context.load_cert_chain(self.certificate, self.key, password="")
        return context

    def connect(self) -> ssl.SSLSocket:
        """Connect, and verify who answers."""
        context = self.context()
        plain = socket.create_connection((self.host, self.port), timeout=TIMEOUT)
        try:
            return context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def position_file(self, trail: Trail) -> Path:
        """Return where it is kept how far this collector has come."""
        return trail.forwarded / f"{self.host.replace(':', '_')}-{self.port}.json"


def collector_of(settings: Settings) -> Collector | None:
    """Return the collector that the settings name."""
    if settings.syslog is None:
        return None
    return Collector(
        host=settings.syslog.host,
        port=settings.syslog.port,
        authority=settings.syslog_ca,
        certificate=settings.syslog_certificate,
        key=settings.syslog_key,
    )


class Forwarder:
    """Sends to one collector; `step` is called again and again and never raises for what the network does."""

    def __init__(
        self, trail: Trail, collector: Collector, clock: Callable[[], float], *, host: str, server: str
    ) -> None:
        self._trail = trail
        self._collector = collector
        self._clock = clock
        self._host, self._server = host, server
        self._file = collector.position_file(trail)
        self._saved = read_position(self._file)
        self._sent = dict(self._saved.sent)
        self._connection: ssl.SSLSocket | None = None
        self._unreadable: set[Path] = set()  # which was told
        self._failures = 0
        self._not_before = 0.0
        self.problem: str | None = None  # why nothing is sent

    def step(self) -> int:
        """Send what is new, as far as it goes; return how many records were sent."""
        if self._connection is None and self._clock() < self._not_before:
            return 0
        try:
            if self._connection is None:
                self._connection = self._collector.connect()
            self._confirm(self._connection)
            sent = sum(self._send(self._connection, path) for path in self._trail.journals())
            self._confirm(self._connection)
        except OSError as error:  # which TLS errors are, too
            self._fail(error)
            return 0
        self._failures, self.problem = 0, None
        self._tell()
        return sent

    def close(self) -> None:
        """End the connection; what the collector has not taken is sent again by the next forwarder."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._require_open(self._connection)
                self._connection.settimeout(FAREWELL)
                self._connection.unwrap()  # answered once it has read everything
                self._save()
        self._drop()

    def _send(self, connection: ssl.SSLSocket, path: Path) -> int:
        try:
            with Reader(path) as reader:
                name = name_of(reader.writer, reader.id)
                after = self._sent.get(name, 0)
                records = [reader.record(entry) for entry in reader.entries(after, limit=AT_ONCE)]
        except (BadJournal, sqlite3.Error, ValueError) as error:
            if path not in self._unreadable:
                log.error("records of %s are not forwarded: %s", path.stem, error)
            self._unreadable.add(path)
            return 0
        if records:
            connection.sendall(b"".join(framed(syslog_message(one, self._host, self._server)) for one in records))
            self._sent[name] = records[-1].sequence
        return len(records)

    def _confirm(self, connection: ssl.SSLSocket) -> None:
        """Save how far the collector has come, if it has taken everything.

        Raises:
            OSError: it has closed the connection.
        """
        self._require_open(connection)
        if not _unacknowledged(connection):
            self._save()

    def _require_open(self, connection: ssl.SSLSocket) -> None:
        connection.setblocking(False)
        try:
            if not connection.recv(1024):
                raise ConnectionResetError("the collector closed the connection")
        except ssl.SSLWantReadError:  # it has said nothing, or something of TLS's own
            pass
        finally:
            connection.settimeout(TIMEOUT)

    def _save(self) -> None:
        self._keep(Position(sent=dict(self._sent), problem=self.problem))

    def _tell(self) -> None:
        """Have it on disk whether records go through, for others to read."""
        self._keep(Position(sent=self._saved.sent, problem=self.problem))

    def _keep(self, position: Position) -> None:
        if position != self._saved:
            write_position(self._file, position)
            self._saved = position

    def _fail(self, error: OSError) -> None:
        self._drop()
        self._failures += 1
        pause = min(LONGEST_PAUSE, 2.0 ** (self._failures - 1))
        self._not_before = self._clock() + pause
        if self.problem is None:
            log.warning("audit records wait for %s: %s", self._collector.host, error)
        self.problem = str(error)
        with contextlib.suppress(OSError):  # the disk's failure, which others tell
            self._tell()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._sent = dict(self._saved.sent)


def _unacknowledged(connection: ssl.SSLSocket) -> int:
    """Return how many bytes the other machine has not acknowledged (Linux: SIOCOUTQ)."""
    waiting = array.array("i", [0])
    fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, waiting)
    return waiting[0]
