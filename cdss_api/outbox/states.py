"""The states of a message, and which may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"  # it will be tried again
    DEAD_LETTER = "dead_letter"  # a person decides


TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        # An operator may try at once what waits, which makes it pending as the first time.
        State.PENDING: frozenset({State.PROCESSING}),
        State.FAILED: frozenset({State.PROCESSING, State.PENDING}),
        # Pending again: it was claimed and never begun, or its target works on it. Processing again: the
        # worker that had it died.
        State.PROCESSING: frozenset(
            {State.PENDING, State.PROCESSING, State.COMPLETED, State.FAILED, State.DEAD_LETTER},
        ),
        State.DEAD_LETTER: frozenset({State.PENDING}),
        State.COMPLETED: frozenset(),
    }
)


def before(state: State) -> tuple[State, ...]:
    """Return the states from which a message may come to `state`."""
    return tuple(one for one, following in TRANSITIONS.items() if state in following)
