"""Delivery to a webhook: a signed POST for each message, as Standard Webhooks 1.0 describes."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass

from cdss_api.fhir.document import read, write
from cdss_api.outbox.authorizing import Authorizer
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.exchange import Exchange
from cdss_api.outbox.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """Delivers to the receiver at `url`, which knows a repeated message by its `Webhook-Id`."""

    url: str
    exchange: Exchange
    authorizer: Authorizer
    secret: str
    clock: Callable[[], float]

    def deliver(self, delivery: Delivery) -> Outcome:
        """Deliver one message. Raises what `Exchange` raises."""
        moment = str(int(self.clock()))
        body = write({"kind": delivery.kind, "resource": read(delivery.payload)}).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": f'"{delivery.key}"',
            "Webhook-Id": delivery.key,
            "Webhook-Timestamp": moment,
            "Webhook-Signature": signature(self.secret, delivery.key, moment, body),
        }
        return self.exchange.ask("POST", self.url, headers | self.authorizer.headers(), body).outcome(self.clock())


def signature(secret: str, key: str, moment: str, body: bytes) -> str:
    """Return `v1,` and the base64 of HMAC-SHA256 over `key.moment.body`; the secret's text is the HMAC's key."""
    signed = hmac.digest(secret.encode(), f"{key}.{moment}.".encode() + body, hashlib.sha256)
    return f"v1,{b64encode(signed).decode()}"
