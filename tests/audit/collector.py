"""A syslog collector over TLS that keeps what it is sent."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass
class Listener:
    """A collector that keeps what it is sent."""

    server: socket.socket
    context: ssl.SSLContext
    received: list[bytearray] = field(default_factory=list)  # by each connection
    connections: list[ssl.SSLSocket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.server.getsockname()[1])

    def serve(self) -> None:
        while True:
            try:
                plain, _ = self.server.accept()
                connection = self.context.wrap_socket(plain, server_side=True)
            except ssl.SSLError:
                plain.close()
                continue
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.read, args=(connection,), daemon=True).start()

    def read(self, connection: ssl.SSLSocket) -> None:
        received = bytearray()
        self.received.append(received)
        with connection:
            try:
                while data := connection.recv(65536):
                    received += data
                connection.unwrap().close()
            except OSError:
                pass

    def messages(self, count: int) -> list[str]:
        """Wait for `count` whole messages."""
        until = time.monotonic() + 10
        while len(found := self.found()) < count and time.monotonic() < until:
            time.sleep(0.005)
        assert len(found) >= count
        return found

    def found(self) -> list[str]:
        """Return the whole messages that came so far."""
        return [message for received in self.received for message in frames(bytes(received))]

    def hang_up(self) -> None:
        for connection in self.connections:
            with suppress(OSError):  # the other end was faster
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # below TLS, as a cut cable
        self.connections.clear()


def frames(data: bytes) -> list[str]:
    """Take octet-counted messages apart (RFC 5425 4.3)."""
    found = []
    while data:
        length, _, rest = data.partition(b" ")
        if len(rest) < int(length or b"1"):
            break
        found.append(rest[: int(length)].decode())
        data = rest[int(length) :]
    return found


def sequences(messages: list[str]) -> list[int]:
    return [int(one.partition('sequenceId="')[2].partition('"')[0]) for one in messages]


def make_certificate(
    folder: Path, key: Ed25519PrivateKey | RSAPrivateKey | None = None, lasts: timedelta = timedelta(days=1)
) -> Path:
    """Make a file with a key and a certificate of a server at 127.0.0.1, which vouches for itself."""
    key, name = key or Ed25519PrivateKey.generate(), x509.Name.from_rfc4514_string("CN=collector")
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=10))
        .not_valid_after(datetime.now(UTC) + lasts)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256() if isinstance(key, RSAPrivateKey) else None)
    )
    file = folder / "collector.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pem + made.public_bytes(Encoding.PEM))
    return file


@contextmanager
def listening(certificate: Path, port: int = 0) -> Iterator[Listener]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", port)) as server:
        listener = Listener(server, context)
        thread = threading.Thread(target=listener.serve, daemon=True)
        thread.start()
        yield listener
        server.shutdown(socket.SHUT_RDWR)
        listener.hang_up()
        thread.join(10)
