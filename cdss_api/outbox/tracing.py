"""Deliveries as spans, each in the trace of what its message was written by: a child of it, however long it waited.

A child and not a link, for a message has one cause, and a trace that is read from the top shows what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.verdicts import Outcome, Verdict
from neuronova.contract.trace import read_traceparent
from neuronova.telemetry.spans import Kind, Open, begin, record, span

_NAME = "deliver"


@contextmanager
def delivering(delivery: Delivery, clock: Callable[[], float]) -> Iterator[Callable[[Outcome], Outcome]]:
    """Deliver within a span; it is told the outcome. One that only looked whether its target is done is in no trace."""
    parent = read_traceparent(delivery.traceparent)
    with span(_NAME, parent=parent, kind=Kind.CLIENT, clock=clock) as opened:

        def came(outcome: Outcome) -> Outcome:
            _tell(opened, delivery, outcome)
            return outcome

        yield came


def told_together(deliveries: Sequence[Delivery], said: Sequence[Outcome | None], began: float, ended: float) -> None:
    """Record deliveries that went in one request."""
    for delivery, outcome in zip(deliveries, said, strict=True):
        if outcome is None:  # it goes by itself
            continue
        parent = read_traceparent(delivery.traceparent)
        opened = Open(begin(parent), _NAME)
        _tell(opened, delivery, outcome)
        opened.add(together=len(deliveries))
        record(opened.ended(parent, began, ended, Kind.CLIENT))


def _tell(opened: Open, delivery: Delivery, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.AGAIN:
        opened.drop()
    opened.add(target=delivery.target, message=delivery.number, kind=delivery.kind, attempt=delivery.attempt)
    opened.add(verdict=outcome.verdict.value)
    if outcome.verdict is not Verdict.OK:
        opened.fail(outcome.verdict.value)
