"""What the work of this thread belongs to: the span that is open, and the names that its log lines carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from neuronova.contract.trace import TraceContext

_NOTHING: Mapping[str, str] = MappingProxyType({})
_context: ContextVar[TraceContext | None] = ContextVar("trace", default=None)
_names: ContextVar[Mapping[str, str]] = ContextVar("names", default=_NOTHING)


def context() -> TraceContext | None:
    """Return the span that what is done now belongs to."""
    return _context.get()


def traceparent() -> str | None:
    """Return the same as a row or a header keeps it."""
    now = _context.get()
    return None if now is None else now.traceparent


def names() -> Mapping[str, str]:
    """Return what log lines carry now: `request`, `study`, `series`, `job`; no names of people."""
    return _names.get()


@contextmanager
def within(parent: TraceContext | None) -> Iterator[None]:
    """Have what is done belong to a span; to none where it is None."""
    before = _context.set(parent)
    try:
        yield
    finally:
        _context.reset(before)


@contextmanager
def about(**told: str | None) -> Iterator[None]:
    """Have log lines carry more names; those that are None or empty are left out."""
    before = _names.set({**_names.get(), **{name: value for name, value in told.items() if value}})
    try:
        yield
    finally:
        _names.reset(before)
