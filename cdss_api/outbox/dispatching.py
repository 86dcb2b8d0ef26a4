"""From a message to the protocol of its target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cdss_api.database import Database
from cdss_api.fhir.outcome import Refused
from cdss_api.outbox import credentials
from cdss_api.outbox.authorizing import Authorizer
from cdss_api.outbox.bundle_delivery import BundleDelivery
from cdss_api.outbox.configured_targets import ConfiguredTarget
from cdss_api.outbox.delivery import Deliver, Delivery
from cdss_api.outbox.exchange import Exchange, Undelivered
from cdss_api.outbox.fhir_client import FhirClient
from cdss_api.outbox.fhir_delivery import FhirDelivery
from cdss_api.outbox.openemr import OpenEmrDelivery, adapted
from cdss_api.outbox.profiles import PROFILES, Kind
from cdss_api.outbox.remotes import Remotes
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.webhook_delivery import WebhookDelivery
from cdss_api.reading.printing import FONT, pdf_of
from cdss_api.reading.signed import version_of

# What the platform itself delivers, by the first word of the target's name: nobody can set up a target of that name.
OWN = frozenset(
    {"orthanc", "subscription", "correction", "result", "inference", "notification", "email", "dicom", "prefetch"}
)
# Of these, what goes to the Orthanc of the platform's own machine, which others cannot reach.
_LOCAL = frozenset({"orthanc", "correction", "result", "dicom", "prefetch"})
LONGEST_ASKING = 45.0  # seconds; less than the policy's longest delivery


@dataclass(frozen=True, slots=True)
class _Line:
    """What leads to one target: its connections, its token, its protocol."""

    created_at: float
    exchange: Exchange
    authorizer: Authorizer
    deliver: Callable[[Delivery], Outcome]
    bundles: BundleDelivery | None


def is_own(target: str) -> bool:
    """Return whether the platform itself delivers to a target."""
    return target.partition(":")[0] in OWN


def is_local(target: str) -> bool:
    """Return whether only the platform's own machine can deliver to a target."""
    return target.partition(":")[0] in _LOCAL


def client_of(configured: ConfiguredTarget, data: Path, clock: Callable[[], float]) -> FhirClient:
    """Return a way to a target's FHIR interface; raises OSError, ValueError where its credentials cannot be read."""
    exchange = Exchange(LONGEST_ASKING)
    known = credentials.read(data, configured.target)
    return FhirClient(configured.url, exchange, Authorizer(known.authorization, exchange, clock), clock)


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
            configured = session.get(ConfiguredTarget, delivery.target)
        if configured is None:
            return Outcome(Verdict.TARGET_DOWN, "there is no such target any more")
        try:
            line = self._line(configured)
        except (OSError, ValueError):
            return Outcome(Verdict.TARGET_DOWN, "its credentials are not on this machine, or cannot be read")
        if renew:
            line.authorizer.renew()
        line.exchange.begin()
        try:
            return line.deliver(delivery)
        except Undelivered as refused:
            return refused.outcome

    def most(self, target: str, /) -> int:
        """Return how many messages of a target go together (see `delivery.DeliverMany`)."""
        bundles = self._bundles(target)
        return 1 if bundles is None else bundles[1].most()

    def many(self, deliveries: Sequence[Delivery], /) -> list[Outcome | None]:
        """Deliver messages to one target together (see `delivery.DeliverMany`)."""
        bundles = self._bundles(deliveries[0].target)
        if bundles is None:
            return [None] * len(deliveries)
        bundles[0].begin()
        return bundles[1].deliver(deliveries)

    def _bundles(self, target: str) -> tuple[Exchange, BundleDelivery] | None:
        """Return what sends Bundles; None where the messages go by themselves, which tells what is wrong, too."""
        if target.partition(":")[0] in self._own:
            return None
        with self._database.reading() as session:
            configured = session.get(ConfiguredTarget, target)
        try:
            line = None if configured is None else self._line(configured)
        except (OSError, ValueError):
            return None
        return None if line is None or line.bundles is None else (line.exchange, line.bundles)

    def close(self) -> None:
        """Close the connections."""
        for line in self._lines.values():
            line.exchange.close()
        self._lines.clear()

    def _printed(self, report: str, version: int) -> bytes:
        try:
            _, printed = version_of(self._database, report, version, self._clock())
        except Refused:
            raise Undelivered(Outcome(Verdict.PERMANENT, "there is no such version of a report")) from None
        return pdf_of(printed, FONT)

    def _line(self, configured: ConfiguredTarget) -> _Line:
        line = self._lines.get(configured.target)
        if line is None or line.created_at != configured.created_at:
            line = self._lines[configured.target] = self._opened(configured)
        return line

    def _opened(self, configured: ConfiguredTarget) -> _Line:
        known = credentials.read(self._data, configured.target)
        exchange = Exchange(LONGEST_ASKING)
        authorizer = Authorizer(known.authorization, exchange, self._clock)
        kind = Kind(configured.profile)
        deliver: Callable[[Delivery], Outcome]
        bundles = None
        if kind is Kind.WEBHOOK:
            secret = known.signing_secret or ""
            deliver = WebhookDelivery(configured.url, exchange, authorizer, secret, self._clock).deliver
        else:
            client = FhirClient(configured.url, exchange, authorizer, self._clock)
            remotes = Remotes(self._database, configured.target)
            kinds = frozenset(configured.kinds)
            fhir = FhirDelivery(client, remotes, PROFILES[kind], kinds, self._clock)
            deliver = fhir.deliver
            if kind is Kind.OPENEMR:
                deliver = OpenEmrDelivery(replace(fhir, adapt=adapted), self._printed).deliver
            bundles = BundleDelivery(client, remotes, PROFILES[kind], kinds, self._clock)
        return _Line(configured.created_at, exchange, authorizer, deliver, bundles)
