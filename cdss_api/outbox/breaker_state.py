"""What a target's breaker may be."""

from __future__ import annotations

from enum import StrEnum


class Breaker(StrEnum):
    """The states of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
