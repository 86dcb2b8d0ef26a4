"""Delivery to somebody's own webhook: a signed POST (Standard Webhooks 1.0), to an address that was looked at first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from cdss_api.accounts.shapes_people import instant
from cdss_api.fhir.hooks import Forbidden, looked_up, pool
from cdss_api.notifications.telling import Told, told
from cdss_api.outbox import credentials
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.verdicts import Outcome, Verdict, of_answer, of_exception
from cdss_api.outbox.webhook_delivery import signature
from cdss_api.service import Service

_TIMEOUT = 20.0  # seconds


@dataclass(frozen=True, slots=True)
class HookDelivery:
    """Delivers notifications (`Deliver`); the receiver knows a repeated one by its `Webhook-Id`."""

    service: Service

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        """Send one; an address in a network that is not allowed is refused for good."""
        now = self.service.now()
        with self.service.database.reading() as session:
            found = told(session, json.loads(delivery.payload)["notification"], now)
        if found is None or found.webhook is None:
            return Outcome(Verdict.OK, "nobody is to be told any more")
        try:
            secret = credentials.read(self.service.settings.data, delivery.target).signing_secret or ""
        except (OSError, ValueError):
            return Outcome(Verdict.TARGET_DOWN, "its secret is not on this machine, or cannot be read")
        try:
            status, headers = self._post(found, found.webhook, secret, str(int(now)))
        except Forbidden as refused:
            return Outcome(Verdict.PERMANENT, str(refused))
        except urllib3.exceptions.HTTPError as error:
            return Outcome(Verdict.TARGET_DOWN, type(error).__name__)
        except OSError as error:
            return of_exception(error)
        return of_answer(status, headers, now)

    def _post(self, found: Told, url: str, secret: str, moment: str) -> tuple[int, Mapping[str, str]]:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        address = looked_up(host, port, self.service.settings.subscription_networks)
        body = body_of(found, self.service.settings.gateway_url)
        key = found.notification_id
        headers = {
            "Host": parts.netloc,
            "Content-Type": "application/json",
            "Idempotency-Key": f'"{key}"',
            "Webhook-Id": key,
            "Webhook-Timestamp": moment,
            "Webhook-Signature": signature(secret, key, moment, body),
        }
        with pool(parts.scheme, host, address, port, urllib3.Timeout(total=_TIMEOUT)) as connections:
            answer = connections.urlopen(
                "POST",
                parts.path or "/",
                body=body,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
            )
            answer.close()
            return answer.status, dict(answer.headers)


def body_of(found: Told, origin: str) -> bytes:
    """Return what a webhook is sent."""
    members = {"id": found.notification_id, "kind": found.kind, "text": found.text, "link": f"{origin}{found.link}"}
    return json.dumps({**members, "created_at": instant(found.created_at)}).encode()
