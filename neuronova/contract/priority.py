"""How soon something is to be done."""

from __future__ import annotations

from enum import StrEnum


class Priority(StrEnum):
    """The codes of FHIR's request-priority."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"
    STAT = "stat"

    @property
    def rank(self) -> int:
        """Smaller goes first."""
        return (Priority.STAT, Priority.ASAP, Priority.URGENT, Priority.ROUTINE).index(self)
