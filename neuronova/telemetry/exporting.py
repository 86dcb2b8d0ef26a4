"""Sending spans to a collector by OTLP over HTTP (protobuf), with OpenTelemetry's own queue and exporter.

Imported by a process that has `NEURONOVA_TRACES` alone: the libraries take a quarter of a second to load.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from neuronova.contract.trace import TraceContext
from neuronova.telemetry.spans import Span

log = logging.getLogger(__name__)
QUEUE = 4096  # spans that wait; of more, some are lost and nothing waits for them
_BATCH, _EVERY = 512, 2000  # spans, milliseconds
_LAST = 2.0  # seconds that the end of a process waits for its last spans
_TIMEOUT = 120.0  # seconds for a batch, tries included: a collector starts again, a machine stands still
_SCOPE = InstrumentationScope("neuronova")


def exporter(part: str, endpoint: str, sample: float) -> tuple[Callable[[Span], None], Callable[[], None]]:
    """Return what takes spans of a part for the collector at `endpoint`, and what sends the rest at the end.

    `sample` of all traces are sent, whole: every process decides by the trace's name, and so all decide the same.
    """
    # A collector that is down is not news at each batch, and what it answers may be long.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    sampler = TraceIdRatioBased(sample)
    service = part.rstrip("-0123456789")  # encode-0 and encode-1 are two of one kind
    resource = Resource.create({"service.namespace": "neuronova", "service.name": service, "service.instance.id": part})
    sender = _Telling(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_TIMEOUT)
    queue = BatchSpanProcessor(sender, max_queue_size=QUEUE, max_export_batch_size=_BATCH, schedule_delay_millis=_EVERY)

    def take(span: Span) -> None:
        trace_id = int(span.context.trace_id, 16)
        if sampler.should_sample(None, trace_id, span.name).decision is Decision.RECORD_AND_SAMPLE:
            queue.on_end(readable(span, resource))

    def end() -> None:
        # The queue waits long for a collector that is down; a part that ends is killed before.
        giving_up = threading.Timer(_LAST, sender.shutdown)
        giving_up.daemon = True
        giving_up.start()
        queue.shutdown()
        giving_up.cancel()

    return take, end


class _Telling(OTLPSpanExporter):
    """Says when it begins to lose spans, and when it no longer does."""

    _lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; what the collector does not take in time is lost."""
        result = super().export(spans)
        if result is not SpanExportResult.SUCCESS:
            if not self._lost:
                log.warning("the collector took no spans, which are lost, as are further ones until it does")
            self._lost += len(spans)
        elif self._lost:
            log.warning("the collector takes spans again; %d were lost", self._lost)
            self._lost = 0
        return result


def readable(span: Span, resource: Resource) -> ReadableSpan:
    """Return a span as the library has it."""
    return ReadableSpan(
        name=span.name,
        context=_context(span.context),
        parent=None if span.parent is None else _context(span.parent),
        resource=resource,
        attributes=dict(span.attributes),
        kind=SpanKind[span.kind.name],
        instrumentation_scope=_SCOPE,
        status=Status(StatusCode.UNSET) if span.failed is None else Status(StatusCode.ERROR, span.failed),
        start_time=int(span.began * 1e9),
        end_time=int(max(span.began, span.ended) * 1e9),
    )


def _context(context: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=False, trace_flags=flags)
