"""Spans: what was done, when, and what led to it. Their names are made whether they are exported or not.

So a log line names its trace on every installation, and a row keeps the context that its work goes on with. Where
nothing exports, that is all that a span costs.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

from neuronova.contract.trace import TRACEPARENT, TraceContext
from neuronova.telemetry import current

Value = str | int | float | bool


class Kind(StrEnum):
    """OpenTelemetry's kinds of spans that are in use."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """What was done, or tried; `began` and `ended` are seconds since the epoch, `failed` says why it did not."""

    name: str
    context: TraceContext
    parent: TraceContext | None
    began: float
    ended: float
    kind: Kind = Kind.INTERNAL
    attributes: Mapping[str, Value] = field(default_factory=dict)
    failed: str | None = None


class Open:
    """A span that has not ended: what is added goes into it."""

    def __init__(self, context: TraceContext, name: str) -> None:
        self.context = context
        self.name = name
        self.attributes: dict[str, Value] = {}
        self.failed: str | None = None
        self.is_dropped = False

    def add(self, **attributes: Value | None) -> None:
        """Add attributes, below `neuronova.`; those that are None are left out. Never what names a person."""
        self.attributes.update({f"neuronova.{n}": value for n, value in attributes.items() if value is not None})

    def fail(self, why: str) -> None:
        """Say that it did not succeed; `why` is a code or a type's name, no text from outside."""
        self.failed = why

    def drop(self) -> None:
        """Have it not recorded: nothing was done."""
        self.is_dropped = True

    def ended(self, parent: TraceContext | None, began: float, ended: float, kind: Kind) -> Span:
        """Return it as it ended."""
        return Span(
            name=self.name,
            context=self.context,
            parent=parent,
            began=began,
            ended=ended,
            kind=kind,
            attributes=self.attributes,
            failed=self.failed,
        )


Exporter = Callable[[Span], None]
_exporters: list[Exporter] = []


def export_to(exporter: Exporter | None) -> None:
    """Have every span of this process given to `exporter`, which must not wait; to nobody where it is None."""
    _exporters[:] = [] if exporter is None else [exporter]


def is_exported() -> bool:
    """Tell whether spans are given to anybody; who makes many of them makes none where they are not."""
    return bool(_exporters)


def record(span: Span) -> None:
    """Give a span that has ended to whoever exports."""
    for export in _exporters:
        with suppress(Exception):  # no work is lost because nobody could be told of it
            export(span)


def carried() -> dict[str, str]:
    """Return the header that takes the open span to another system; none where nothing exports."""
    now = current.traceparent()
    return {TRACEPARENT: now} if is_exported() and now is not None else {}


def begin(parent: TraceContext | None, trace_id: str | None = None) -> TraceContext:
    """Return the name of a new span: in its parent's trace, or in a trace of that or of a new name."""
    trace = parent.trace_id if parent is not None else trace_id or secrets.token_hex(16)
    return TraceContext(trace, secrets.token_hex(8))


@contextmanager
def span(
    name: str,
    *,
    parent: TraceContext | None = None,
    kind: Kind = Kind.INTERNAL,
    trace_id: str | None = None,
    clock: Callable[[], float] = time.time,
    **attributes: Value | None,
) -> Iterator[Open]:
    """Have what is done be a span: below `parent`, or below the one that is open; an exception makes it fail.

    `trace_id` names the trace of one that has neither.
    """
    above = parent or current.context()
    opened = Open(begin(above, trace_id), name)
    opened.add(**attributes)
    began = clock()
    try:
        with current.within(opened.context):
            yield opened
    except Exception as error:
        opened.fail(type(error).__name__)
        raise
    finally:
        if is_exported() and not opened.is_dropped:
            record(opened.ended(above, began, clock(), kind))
