"""What delivers: the seam between the outbox and the protocols that it feeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cdss_api.outbox.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it is sent; `key` stays the same however often that happens."""

    number: int
    key: str
    target: str
    aggregate: str
    kind: str
    payload: str
    attempt: int
    fence: int = 0  # of the claim: whoever writes what follows by itself asks whether it still stands
    traceparent: str | None = None  # the span that wrote it


class Deliver(Protocol):
    """Sends one message, outside of any transaction, and says what came of it.

    It may raise: `verdicts.of_exception` says what that means. It ends within the policy's `longest_delivery`, and
    the receiver recognises `key`, since a message is sent again whenever nobody knows whether it arrived.
    """

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        """Send; with `renew` the last token was refused, and a new one is needed."""
        ...


class DeliverMany(Protocol):
    """Sends messages of different aggregates together, where their target takes that."""

    def most(self, target: str, /) -> int:
        """Return how many messages of a target may go together; 1 where each goes by itself."""
        ...

    def many(self, deliveries: Sequence[Delivery], /) -> list[Outcome | None]:
        """Send messages to one target, no two of one aggregate, and say of each what came of it.

        None says that a message was not taken and has to be sent by itself: it needs more than one request, or what
        was said of all together says nothing about it. Ends within `longest_delivery`, and may raise: nothing is
        known of any of them then.
        """
        ...
