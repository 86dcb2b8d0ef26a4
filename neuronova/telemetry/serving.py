"""A request that a part answers, as a span: in its caller's trace, or in one that bears the gateway's name for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from neuronova.contract.trace import REQUEST_ID, TRACEPARENT, is_trace_id, read_traceparent
from neuronova.telemetry import current
from neuronova.telemetry.spans import Kind, Open, span


@contextmanager
def serving(name: str, headers: Mapping[str, str]) -> Iterator[Open]:
    """Answer a request with `headers` (lower-case names) within its span.

    The gateway takes a `traceparent` away that comes from outside: strangers choose no traces. So a part's own call
    continues its trace, and what comes from the gateway begins one, whose name is the request's.
    """
    given = headers.get(REQUEST_ID.lower(), "")
    request = given if is_trace_id(given) else None
    parent = read_traceparent(headers.get(TRACEPARENT))
    with current.about(request=request), span(name, parent=parent, kind=Kind.SERVER, trace_id=request) as opened:
        yield opened
