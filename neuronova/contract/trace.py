"""Which trace something belongs to, and which of its spans led to it: W3C Trace Context, level 1."""

from __future__ import annotations

import re
from dataclasses import dataclass

TRACEPARENT = "traceparent"  # the header, and the member of messages
REQUEST_ID = "X-Request-Id"  # the gateway's name of a request: 32 hexadecimal digits, as a trace's
_HEX = r"[0-9a-f]"
_TRACEPARENT = re.compile(rf"00-(?!0{{32}})({_HEX}{{32}})-(?!0{{16}})({_HEX}{{16}})-{_HEX}{{2}}", re.ASCII)
_TRACE_ID = re.compile(rf"(?!0{{32}}){_HEX}{{32}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span by its trace's name and its own: 32 and 16 hexadecimal digits, not all of them 0."""

    trace_id: str
    span_id: str

    @property
    def traceparent(self) -> str:
        """Return the header's value (3.2); the flag says that it may be recorded, which each part decides by the id."""
        return f"00-{self.trace_id}-{self.span_id}-01"


def read_traceparent(text: str | None) -> TraceContext | None:
    """Return the context that a header's value names; None where there is none, or it is odd (3.2.2)."""
    found = _TRACEPARENT.fullmatch(text or "")
    return TraceContext(found[1], found[2]) if found else None


def is_trace_id(text: str | None) -> bool:
    """Tell whether a text may name a trace."""
    return _TRACE_ID.fullmatch(text or "") is not None
