"""The states of a job, and which may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"  # the inference service has it
    SUCCEEDED = "succeeded"
    NOT_EVALUABLE = "not_evaluable"  # these images, this model: no result
    FAILED_TRANSIENT = "failed_transient"  # another attempt follows by itself
    FAILED_PERMANENT = "failed_permanent"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"  # the series is another one by now


TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.QUEUED: frozenset({State.RUNNING, State.FAILED_PERMANENT, State.CANCELLED, State.SUPERSEDED}),
        State.RUNNING: frozenset(
            {
                State.SUCCEEDED,
                State.NOT_EVALUABLE,
                State.FAILED_TRANSIENT,
                State.FAILED_PERMANENT,
                State.CANCELLED,
                State.SUPERSEDED,
            }
        ),
        State.FAILED_TRANSIENT: frozenset(
            {State.RUNNING, State.QUEUED, State.FAILED_PERMANENT, State.CANCELLED, State.SUPERSEDED}
        ),
        # Queued again where a person says so.
        State.FAILED_PERMANENT: frozenset({State.QUEUED, State.SUPERSEDED}),
        State.NOT_EVALUABLE: frozenset({State.QUEUED, State.SUPERSEDED}),
        # Queued again, too, where a series comes back as it was.
        State.CANCELLED: frozenset({State.QUEUED, State.SUPERSEDED}),
        State.SUPERSEDED: frozenset({State.QUEUED, State.NOT_EVALUABLE}),
        State.SUCCEEDED: frozenset({State.SUPERSEDED}),
    }
)

OPEN = frozenset({State.QUEUED, State.RUNNING, State.FAILED_TRANSIENT})
RETRIED = frozenset({State.FAILED_TRANSIENT, State.FAILED_PERMANENT, State.NOT_EVALUABLE, State.CANCELLED})


def before(state: State) -> tuple[State, ...]:
    """Return the states from which a job may come to `state`."""
    return tuple(one for one, following in TRANSITIONS.items() if state in following)
