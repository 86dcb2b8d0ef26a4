"""From a message to the protocol of its target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cdss_api.database import Database
from cdss_api.outbox import credentials
from cdss_api.outbox.authorizing import Authorizer
from cdss_api.outbox.delivery import Deliver, Delivery
from cdss_api.outbox.exchange import Exchange, Undelivered
from cdss_api.outbox.fhir_client import FhirClient
from cdss_api.outbox.fhir_delivery import FhirDelivery
from cdss_api.outbox.profiles import PROFILES, Kind
from cdss_api.outbox.remotes import Remotes
from cdss_api.outbox.subscriptions import Subscription
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.webhook_delivery import WebhookDelivery

# What the platform itself delivers, by the first word of the target's name: nobody can set up a target of that name.
OWN = frozenset({"orthanc", "subscription", "correction"})
LONGEST_ASKING = 45.0  # seconds; less than the policy's longest delivery


@dataclass(frozen=True, slots=True)
class _Line:
    """What leads to one target: its connections, its token, its protocol."""

    created_at: float
    exchange: Exchange
    authorizer: Authorizer
    deliver: Callable[[Delivery], Outcome]


class Dispatcher:
    """Delivers the messages of one target, as it is set up at that moment; for one thread."""

    def __init__(
        self, database: Database, data: Path, clock: Callable[[], float], own: Mapping[str, Deliver] | None = None
    ) -> None:
        self._database = database
        self._data = data
        self._clock = clock
        self._own = own or {}
        self._lines: dict[str, _Line] = {}

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        """Deliver a message (see `delivery.Deliver`)."""
        ours = self._own.get(delivery.target.partition(":")[0])
        if ours is not None:
            return ours(delivery, renew=renew)
        with self._database.reading() as session:
            subscription = session.get(Subscription, delivery.target)
        if subscription is None:
            return Outcome(Verdict.TARGET_DOWN, "there is no such target any more")
        try:
            line = self._line(subscription)
        except (OSError, ValueError):
            return Outcome(Verdict.TARGET_DOWN, "its credentials are not on this machine, or cannot be read")
        if renew:
            line.authorizer.renew()
        line.exchange.begin()
        try:
            return line.deliver(delivery)
        except Undelivered as refused:
            return refused.outcome

    def close(self) -> None:
        """Close the connections."""
        for line in self._lines.values():
            line.exchange.close()
        self._lines.clear()

    def _line(self, subscription: Subscription) -> _Line:
        line = self._lines.get(subscription.target)
        if line is None or line.created_at != subscription.created_at:
            line = self._lines[subscription.target] = self._opened(subscription)
        return line

    def _opened(self, subscription: Subscription) -> _Line:
        known = credentials.read(self._data, subscription.target)
        exchange = Exchange(LONGEST_ASKING)
        authorizer = Authorizer(known.authorization, exchange, self._clock)
        kind = Kind(subscription.profile)
        deliver: Callable[[Delivery], Outcome]
        if kind is Kind.WEBHOOK:
            secret = known.signing_secret or ""
            deliver = WebhookDelivery(subscription.url, exchange, authorizer, secret, self._clock).deliver
        else:
            client = FhirClient(subscription.url, exchange, authorizer, self._clock)
            remotes = Remotes(self._database, subscription.target)
            kinds = frozenset(subscription.kinds)
            deliver = FhirDelivery(client, remotes, PROFILES[kind], kinds, self._clock).deliver
        return _Line(subscription.created_at, exchange, authorizer, deliver)
