"""Telling a subscription's endpoint: over HTTP, to an address that was looked at first."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

import urllib3

from cdss_api.accounts.recording import Actor
from cdss_api.consequences import writing
from cdss_api.fhir.document import Document
from cdss_api.fhir.models import Watch
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.permissions import may
from cdss_api.fhir.store import Stored
from cdss_api.fhir.subscriptions import TARGET, claims_of, headers_of, view_of
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.verdicts import Outcome, Verdict, of_answer, of_exception
from cdss_api.outbox.waits import Policy
from cdss_api.service import Service
from neuronova.contract.roles import Role
from neuronova.contract.scopes import Interaction

Network = IPv4Network | IPv6Network
_TIMEOUT = 20.0  # seconds
_PLATFORM = Actor(subject="service:subscriptions", role=Role.SERVICE)
_MEDIA_TYPE = "application/fhir+json"


class Forbidden(Exception):
    """The endpoint is in a network that is not allowed."""


@dataclass(frozen=True, slots=True)
class RestHooks:
    """Delivers the messages of subscriptions (`Deliver`); one that is given up sets its subscription to error."""

    service: Service
    policy: Policy = field(default_factory=Policy)

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        """Send a message: the resource as it was written, if its subscription's author may still see it."""
        id_ = delivery.target.removeprefix(TARGET)
        found = self._found(id_, json.loads(delivery.payload))
        if found is None:
            return Outcome(Verdict.OK, "nobody is to be told any more")
        outcome = self._sent(delivery, *found)
        if _is_last(outcome, delivery.attempt, self.policy):
            self._give_up(id_, outcome.detail or outcome.verdict)
        return outcome

    def _found(self, id_: str, told: Mapping[str, object]) -> tuple[Document, Stored] | None:
        """Return the channel and the resource."""
        kind, _, resource = str(told["resource"]).partition("/")
        with self.service.database.reading() as session:
            watch = session.get(Watch, id_)
            claims = None if watch is None else claims_of(session, watch.author)
            if claims is None or not may(claims, kind, Interaction.READ):
                return None
            view = view_of(session, claims, self.service.now())
            try:
                view.read(kind, resource)
                return view.read("Subscription", id_).document()["channel"], view.vread(
                    kind, resource, str(told["version"])
                )
            except Refused:
                return None

    def _sent(self, delivery: Delivery, channel: Document, stored: Stored) -> Outcome:
        try:
            status, headers = post(channel, stored, delivery.key, self.service.settings.subscription_networks)
        except (Forbidden, Refused) as refused:
            return Outcome(Verdict.PERMANENT, str(refused))
        except urllib3.exceptions.HTTPError as error:
            return Outcome(Verdict.TARGET_DOWN, type(error).__name__)
        except OSError as error:
            return of_exception(error)
        return of_answer(status, headers, self.service.now())

    def _give_up(self, id_: str, why: str) -> None:
        with writing(self.service, _PLATFORM) as store:
            document = store.read("Subscription", id_).document()
            store.update("Subscription", id_, {**document, "status": "error", "error": why[:200]})


def _is_last(outcome: Outcome, attempt: int, policy: Policy) -> bool:
    if outcome.verdict is Verdict.TRANSIENT:
        return attempt >= policy.attempts
    return outcome.verdict in (Verdict.PERMANENT, Verdict.CONFLICT, Verdict.DUPLICATE)


def post(channel: Document, stored: Stored, key: str, allowed: Sequence[Network]) -> tuple[int, Mapping[str, str]]:
    """Tell an endpoint: with a payload by PUT of the resource below it, else by POST of nothing (FHIR R4 2.46.8).

    Returns status and headers of the answer; redirects are not followed.

    Raises:
        Forbidden: the host has an address in a network that is not allowed.
        OSError, urllib3.exceptions.HTTPError: there was no answer.
    """
    parts = urlsplit(str(channel["endpoint"]))
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    address = looked_up(host, port, allowed)
    headers = {**headers_of(channel), "Host": parts.netloc, "Idempotency-Key": key}
    method, path, body = "POST", parts.path or "/", b""
    if channel.get("payload"):
        method, path = "PUT", f"{parts.path.rstrip('/')}/{stored.address}"
        body, headers["Content-Type"] = (stored.body or "").encode(), _MEDIA_TYPE
    timeout = urllib3.Timeout(total=_TIMEOUT)
    with pool(parts.scheme, host, address, port, timeout) as connections:
        answer = connections.urlopen(
            method, path, body=body, headers=headers, redirect=False, retries=False, preload_content=False
        )
        answer.close()
        return answer.status, dict(answer.headers)


def looked_up(host: str, port: int, allowed: Sequence[Network]) -> str:
    """Return the address to connect to; the name is not asked again, so that nobody changes it in between."""
    found = [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for one in found:
        address = ip_address(one.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        known = any(mapped.version == network.version and mapped in network for network in allowed)
        if not known and (not mapped.is_global or mapped.is_multicast):
            raise Forbidden("the endpoint is in a network that is not allowed")
    return found[0]


def pool(scheme: str, host: str, address: str, port: int, timeout: urllib3.Timeout) -> urllib3.HTTPConnectionPool:
    """Return connections to an address that was looked up, with the certificate of its host."""
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout)
    context = ssl.create_default_context()
    return urllib3.HTTPSConnectionPool(
        address, port, timeout=timeout, ssl_context=context, server_hostname=host, assert_hostname=host
    )
