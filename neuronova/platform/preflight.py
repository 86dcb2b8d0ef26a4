"""What is looked at before anything starts, so that a failure is one line and not a log."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from neuronova.audit.forward import collector_of
from neuronova.contract.settings import Settings
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import Layout, make_folders

# These would need a different escape in each of three configuration formats.
_ODD = re.compile(r"""["'\\$%;{}#\x00-\x1f]""")
# sockaddr_un holds 108 bytes, and the supervisor adds its pid while it makes the socket.
_SOCKET_PATH = 96


def check_path(path: Path, what: str) -> None:
    """Refuse a path that the generated configuration files cannot hold."""
    odd = _ODD.search(str(path))
    if odd:
        raise PlatformError(f"{what} {path} contains {odd.group()!r}; choose a folder without it")


def prepare_data_folder(layout: Layout) -> None:
    """Make the data folder with its parts and make sure that it can be written to."""
    check_path(layout.data, "NEURONOVA_DATA")
    if len(os.fsencode(layout.socket)) > _SOCKET_PATH:
        raise PlatformError(f"NEURONOVA_DATA {layout.data} is too long for a socket's path; choose a shorter one")
    if layout.unfinished.exists():
        raise PlatformError(
            f"{layout.data} was not wholly restored; empty it and run `neuronova restore` again, "
            f"or remove {layout.unfinished} to use it as it is (docs/backup.md)"
        )
    try:
        make_folders(layout)
        for folder in layout.folders():
            _write_probe(folder)
    except OSError as error:
        raise PlatformError(
            f"cannot write to {error.filename or layout.data} ({error.strerror}); "
            "set NEURONOVA_DATA to a folder of your own"
        ) from None


def _write_probe(folder: Path) -> None:
    probe = folder / ".writable"
    probe.touch()
    probe.unlink()


@contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Hold the data folder's lock; the kernel lets go of it however this process ends."""
    with layout.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise PlatformError(
                f"the platform already runs on {layout.data} (process {file.read().strip() or 'unknown'}); "
                "stop it first or set another NEURONOVA_DATA and other ports"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def ports_of(settings: Settings) -> tuple[tuple[str, str, int], ...]:
    """Return each port that the platform listens on: its variable, its address and itself."""
    everywhere = "0.0.0.0"  # noqa: S104 - Orthanc takes its ports on every address and then keeps to loopback
    ports = (
        *_gateway_ports(settings),
        ("DICOM_PORT", everywhere, settings.dicom_port),
        ("MPPS_PORT", settings.bind, settings.mpps_port),
        ("ORTHANC_PORT", everywhere, settings.orthanc_port),
        *(("MORE_ORTHANCS", everywhere, port) for doors in settings.more_orthancs for port in doors),
        ("API_PORT", "127.0.0.1", settings.api_port),
        ("INFERENCE_PORT", "127.0.0.1", settings.inference_port),
        ("NOTIFICATIONS_PORT", "127.0.0.1", settings.notifications_port),
    )
    return tuple((f"NEURONOVA_{name}", address, port) for name, address, port in ports)


def check_ports(settings: Settings) -> None:
    """Make sure that every port can be taken, and name the variable of the first that cannot."""
    for variable, address, port in ports_of(settings):
        check_port(variable, address, port)


def _gateway_ports(settings: Settings) -> Iterator[tuple[str, str, int]]:
    if settings.tls_certificate is None:
        yield "HTTP_PORT", settings.bind, settings.http_port
    else:
        yield "HTTPS_PORT", settings.bind, settings.https_port
        yield "HTTP_PORT", "127.0.0.1", settings.http_port


def check_certificates(settings: Settings) -> None:
    """Make sure that the doors' certificates can be used with their keys, and name the variable of one that cannot."""
    for name, certificate, key in (
        ("TLS", settings.tls_certificate, settings.tls_key),
        ("DICOM_TLS", settings.dicom_tls_certificate, settings.dicom_tls_key),
    ):
        if certificate is not None:
            with _usable(f"NEURONOVA_{name}_CERTIFICATE or NEURONOVA_{name}_KEY"):
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(certificate, key, password=lambda: "")  # never asked for on a terminal
    if settings.dicom_tls_ca is not None:
        with _usable("NEURONOVA_DICOM_TLS_CA"):
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=settings.dicom_tls_ca)


def check_collector(settings: Settings) -> None:
    """Make sure that the files for forwarding audit records can be used, and name the variable of one that cannot."""
    collector = collector_of(settings)
    if collector is None:
        return
    with _usable("NEURONOVA_SYSLOG_CA"):
        replace(collector, certificate=None, key=None).context()
    with _usable("NEURONOVA_SYSLOG_CERTIFICATE or NEURONOVA_SYSLOG_KEY"):
        collector.context()


@contextmanager
def _usable(variable: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise PlatformError(f"{variable} names no usable PEM file ({reason})") from None


def check_port(variable: str, address: str, port: int) -> None:
    """Make sure that a port can be taken.

    Raises:
        PlatformError: it cannot; why, and what to do after a semicolon.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            # As the servers do: a connection still in TIME_WAIT does not hold the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(1)
    except OSError as error:
        raise PlatformError(_port_message(variable, address, port, error)) from None


def _port_message(variable: str, address: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken; set {variable} to a free one"
    if error.errno == errno.EACCES:
        return f"port {port} needs root; set {variable} to one above 1023"
    return f"cannot listen on {address} ({error.strerror}); set NEURONOVA_BIND to an address of this machine"
