"""A collector: it takes OTLP over HTTP as a real one does, and keeps the spans that it decodes."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent

from tests.serving import serving


@dataclass(frozen=True)
class Taken:
    """A span as it came."""

    service: str
    name: str
    trace: str
    span: str
    parent: str
    seconds: float
    failed: bool
    attributes: dict[str, str]


class Collector(ThreadingHTTPServer):
    """Keeps what comes to `/v1/traces`; whatever else comes, it counts."""

    request_queue_size = 128  # all parts of a platform may come at once

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refuses = False  # what it is sent, for good
        self.spans: list[Taken] = []
        self.requests: list[str] = []
        self.bodies: list[bytes] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def named(self, name: str, **attributes: str) -> list[Taken]:
        """Return the spans of a name whose attributes are these."""
        wanted = attributes.items()
        with self.lock:
            return [one for one in self.spans if one.name == name and wanted <= one.attributes.items()]

    def of(self, trace: str) -> list[Taken]:
        """Return the spans of a trace."""
        with self.lock:
            return [one for one in self.spans if one.trace == trace]

    def take(self, body: bytes) -> None:
        """Decode a request."""
        asked = ExportTraceServiceRequest.FromString(body)
        for one in asked.resource_spans:
            resource = {pair.key: pair.value.string_value for pair in one.resource.attributes}
            for scope in one.scope_spans:
                self.spans += [_taken(resource["service.name"], span) for span in scope.spans]
        self.bodies.append(body)


def _taken(service: str, span: Sent) -> Taken:
    values = {pair.key: pair.value for pair in span.attributes}
    return Taken(
        service=service,
        name=span.name,
        trace=span.trace_id.hex(),
        span=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        failed=span.status.code == 2,
        attributes={name.removeprefix("neuronova."): value.string_value for name, value in values.items()},
    )


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        with self.server.lock:
            self.server.requests.append(self.path)
            if self.path == "/v1/traces" and not self.server.refuses:
                self.server.take(body)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(400 if self.server.refuses else 200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def collector() -> Iterator[Collector]:
    """Run a collector for the length of a block."""
    with serving(Collector()) as server:
        yield server
