"""The stock DICOMweb plugin on its private root, asked over loopback HTTP.

A callback cannot pass a request on, and Orthanc's internal calls carry no headers, so that the request is made
again. The URLs in an answer name the host that the request was sent to: a name made up at start stands for this
server and is replaced by the address that the client used.
"""

from __future__ import annotations

import contextlib
import http.client
import queue
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

from orthanc_plugins.access.bearer import TOKEN_HEADER
from orthanc_plugins.answer import Answer, error
from orthanc_plugins.dicomweb.request import Request

ROOT = "/_stock-dicom-web"
WADO_ROOT = "/_stock-wado"
PUBLIC_ROOT = "/dicom-web"
TIMEOUT = 300.0  # seconds
# Each request that waits here holds one of Orthanc's threads, and what it waits for needs another one.
MOST_AT_ONCE = 40
UNQUOTED = "/,:;=+~!*()@"
FORWARDED = ("accept", "content-type", "accept-charset", "if-none-match", "if-modified-since")


class Elsewhere(Exception):
    """What the stock plugin would answer is not within the study that was asked for."""


class Stock:
    """Connections to the stock plugin; `holds` tells whether the archive has these UIDs, from the study down."""

    def __init__(self, port: int, secret: str, holds: Callable[..., object]) -> None:
        self._port = port
        self._secret = secret
        self._holds = holds
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
        self._slots = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._host = f"{secrets.token_hex(8)}.invalid"
        self._base = f"http://{self._host}{ROOT}".encode()

    def pass_on(self, request: Request) -> Answer:
        """Make the client's request to the stock plugin.

        Raises:
            Elsewhere: the request is confined to what is not there. The stock plugin finds an instance by its own UID,
                in whatever study; whose it is was decided by the study.
        """
        if request.confined and self._holds(*request.confined) is None:
            raise Elsewhere(request.path)
        if not self._slots.acquire(blocking=False):
            return error(503, "Too many requests at once; try again in a moment")
        try:
            path = WADO_ROOT if request.is_wado_uri else f"{ROOT}/{quote(request.path, safe=UNQUOTED)}"
            target = path + (f"?{request.query}" if request.query else "")
            sent = {name: request.headers[name] for name in FORWARDED if name in request.headers}
            sent |= {"Host": self._host, TOKEN_HEADER: self._secret}
            status, answered, content = self._exchange(request.method, target, sent, request.body)
        except http.client.RemoteDisconnected:
            # What is thrown beneath its REST handlers Orthanc answers by closing the connection.
            return error(500, "Orthanc cannot read this object; it may be damaged")
        finally:
            self._slots.release()
        content = content.replace(self._base, request.public_base.encode())
        if status >= http.client.BAD_REQUEST:
            content = content.replace(ROOT.encode(), PUBLIC_ROOT.encode())
        kept = {name: answered[name] for name in ("Allow", "Warning", "ETag") if answered.get(name)}
        unnamed = "application/json" if status >= http.client.BAD_REQUEST else "application/octet-stream"
        return Answer(content, answered.get("Content-Type", unnamed), status, kept)

    def _exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        with self._connection() as (connection, fresh):
            try:
                return _send(connection, method, target, headers, body)
            except (http.client.RemoteDisconnected, ConnectionError):
                # Orthanc closes an idle connection after a second; what it had not read it did not do.
                connection.close()
                if fresh or method != "GET":
                    raise
                return _send(connection, method, target, headers, body)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[tuple[http.client.HTTPConnection, bool]]:
        try:
            connection, fresh = self._idle.get_nowait(), False
        except queue.Empty:
            connection, fresh = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT), True
        try:
            yield connection, fresh
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)


def _send(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes | None,
) -> tuple[int, http.client.HTTPMessage, bytes]:
    if method != "GET":
        connection.close()  # a connection that turns out closed could not be told from a request that was half done
    connection.request(method, target, body=body, headers=dict(headers))
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()
