"""Spans on their way to a collector: a real exporter, a real queue, and a collector that decodes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from neuronova.contract.trace import TraceContext
from neuronova.telemetry.exporting import QUEUE, exporter
from neuronova.telemetry.spans import Kind, Span
from tests.server import free_ports, until
from tests.telemetry.collector import collector

CONTEXT = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


def made(number: int = 0, **more: object) -> Span:
    """Return a span of a trace of its own."""
    known: dict[str, object] = {
        "name": "x",
        "context": TraceContext(hashlib.sha256(str(number).encode()).hexdigest()[:32], "00f067aa0ba902b7"),
        "parent": None,
        "began": 1000.0,
        "ended": 1000.5,
    }
    return Span(**(known | more))  # type: ignore[arg-type]


def test_a_span_arrives_as_it_is() -> None:
    parent = TraceContext(CONTEXT.trace_id, "1" * 16)
    with collector() as server:
        take, end = exporter("encode-1", server.url, 1.0)
        attributes = {"neuronova.job": "j"}
        take(made(context=CONTEXT, parent=parent, attributes=attributes, failed="Gone", kind=Kind.SERVER))
        end()
        (found,) = server.spans
    assert (found.service, found.name, found.seconds, found.failed) == ("encode", "x", 0.5, True)
    assert (found.trace, found.span, found.parent) == (CONTEXT.trace_id, CONTEXT.span_id, parent.span_id)
    assert found.attributes == {"job": "j"}


def test_a_sample_is_the_same_traces_in_every_process() -> None:
    chosen = []
    for part in ("api", "worker"):
        with collector() as server:
            take, end = exporter(part, server.url, 0.25)
            for number in range(1, 401):
                take(made(number))
            end()
            chosen.append({one.trace for one in server.spans})
    assert chosen[0] == chosen[1]
    assert 50 < len(chosen[0]) < 150


def test_none_is_sent_of_a_sample_of_nothing() -> None:
    with collector() as server:
        take, end = exporter("api", server.url, 0.0)
        take(made(1))
        end()
        assert server.requests == []


def test_a_collector_that_is_down_keeps_nobody_waiting() -> None:
    (port,) = free_ports(1)
    take, end = exporter("api", f"http://127.0.0.1:{port}", 1.0)
    spans = [made(number) for number in range(1, 2 * QUEUE)]
    # One that waited for each batch would take a minute: the exporter tries a batch for some seconds.
    assert _seconds(lambda: [take(one) for one in spans]) < 15.0
    assert _seconds(end) < 8.0


def test_what_is_lost_is_told_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    with collector() as server:
        take, end = exporter("api", server.url, 1.0)
        server.refuses = True
        take(made(1))
        until(lambda: caplog.messages, "spans are lost")
        take(made(2))
        until(lambda: len(server.requests) == 2, "another batch is sent")
        server.refuses = False
        take(made(3))
        until(lambda: server.spans, "a batch is taken")
        end()
    assert [one.partition(",")[0] for one in caplog.messages] == [
        "the collector took no spans",
        "the collector takes spans again; 2 were lost",
    ]


def _seconds(do: Callable[[], object]) -> float:
    began = time.monotonic()
    do()
    return time.monotonic() - began


def test_no_library_is_loaded_where_nothing_is_exported() -> None:
    for module in ("cdss_api.app", "cdss_api.worker", "inference.app", "orthanc_plugins.workers.encode"):
        code = (
            f"import sys, {module}; from neuronova.telemetry.starting import Telemetry, start;"
            "start('x', Telemetry(level='INFO', form='text', traces=None, sample=1.0));"
            "print(*(name for name in ('opentelemetry', 'google.protobuf', 'pythonjsonlogger') if name in sys.modules))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.split() == [], module
