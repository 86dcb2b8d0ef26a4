"""Subscriptions (FHIR R4 2.46): what is written and fits is told to an endpoint, by the outbox and in its order.

A subscription acts in the place of who wrote it last: it tells of what they may read and see at that moment, and of
nothing once they may no more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Account
from cdss_api.accounts.work import Work
from cdss_api.clients.models import Client
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.definitions import parameters
from cdss_api.fhir.document import Document
from cdss_api.fhir.models import Resource, Version, Watch
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.permissions import may
from cdss_api.fhir.query import Query, looked_into, parse
from cdss_api.fhir.searching import matching
from cdss_api.fhir.store import Store, Stored
from cdss_api.outbox.enqueueing import enqueue
from neuronova.contract.loopback import is_loopback
from neuronova.contract.roles import Role
from neuronova.contract.scopes import Interaction, parse_scopes
from neuronova.contract.token import Claims

KIND = "rest-hook"
TARGET = "subscription:"
LONGEST_ID = 50  # a target's name has 64 characters
PAYLOADS = ("", "application/fhir+json", "application/json")
MOST_HEADERS = 20
_LONGEST_CRITERIA = 2000
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "idempotency-key"})


def follow(work: Work, store: Store, written: Iterable[Stored]) -> None:
    """Bring what is watched to what the subscriptions say, and write a message for each that a resource fits."""
    messages = set()
    for one in written:
        if one.kind == "Subscription":
            _watch(work, store, one)
        elif one.body is not None:
            messages |= {(watch, one) for watch in _fitting(work, store, one)}
    # In one order everywhere: two transactions never wait for one another's streams.
    for watch, one in sorted(messages, key=lambda pair: (pair[0], pair[1].address, pair[1].version)):
        payload = json.dumps({"resource": one.address, "version": one.version})
        target = f"{TARGET}{watch}"
        enqueue(work.session, target=target, aggregate=one.address, kind=KIND, payload=payload, now=work.now)


def claims_of(session: Session, author: str) -> Claims | None:
    """Return what an author may do now, as a token of theirs would say; None who may nothing any more."""
    moment = {"token_id": "-", "session": "-", "issued_at": 0, "expires_at": 0}
    if author.startswith("client:"):
        client = session.get(Client, author.removeprefix("client:"))
        if client is None or not client.enabled:
            return None
        return Claims(subject=author, role=Role.SERVICE, fhir=parse_scopes(client.scopes), **moment)  # type: ignore[arg-type]
    account = session.get(Account, author)
    if account is None or not account.enabled:
        return None
    return Claims(subject=author, role=Role(account.role), **moment)  # type: ignore[arg-type]


def view_of(session: Session, claims: Claims, now: float) -> Store:
    """Return the store as an author sees it; whom a technologist sees for a few days counts for nothing here."""
    seen = Compartments(account=claims.subject, role=claims.role, now=now, recent=0.0)
    return Store(session, seen, claims.subject, int(now * 1_000_000))


def headers_of(channel: Document) -> dict[str, str]:
    """Return the headers that a channel names; raises Refused for what is none, or is not its to set."""
    lines = channel.get("header") or []
    if not isinstance(lines, list) or len(lines) > MOST_HEADERS:
        raise Refused(422, "value", f"A channel has up to {MOST_HEADERS} headers.")
    found = {}
    for line in lines:
        name, colon, value = str(line).partition(":")
        plain = name.strip().replace("-", "").isalnum() and str(line).isascii() and str(line).isprintable()
        if not colon or not plain or name.strip().lower() in _OURS:
            raise Refused(422, "value", "A header is NAME: VALUE, and none that the request itself needs.")
        found[name.strip()] = value.strip()
    return found


def _watch(work: Work, store: Store, one: Stored) -> None:
    known = work.session.get(Watch, one.id)
    if known is not None:
        work.session.delete(known)
        work.session.flush()
    document = one.document() if one.body is not None else {}
    if document.get("status") not in ("requested", "active"):
        return
    author = _author(work.session, one)
    try:
        query = _checked(claims_of(work.session, author), one.id, document)
    except Refused as refused:
        told = refused.issues[0].diagnostics
        store.update("Subscription", one.id, {**document, "status": "error", "error": told})
        return
    if document["status"] == "requested":
        plain = {name: value for name, value in document.items() if name != "error"}
        store.update("Subscription", one.id, {**plain, "status": "active"})
        return  # the version that this makes is looked at in its turn
    work.session.add(Watch(id=one.id, kind=query.kind, criteria=document["criteria"], author=author))
    work.session.flush()


def _author(session: Session, one: Stored) -> str:
    same = (Resource.kind == one.kind, Resource.logical_id == one.id, Version.version == one.version)
    return session.execute(
        select(Version.author).join(Resource, Resource.number == Version.number).where(*same)
    ).scalar_one()


def _checked(claims: Claims | None, id_: str, document: Document) -> Query:
    """Return what a subscription asks for; raises Refused for what is not done here or its author may not."""
    channel, criteria = document.get("channel") or {}, str(document.get("criteria", ""))
    if channel.get("type") != KIND or channel.get("payload", "") not in PAYLOADS:
        raise Refused(422, "not-supported", "A channel is a rest-hook here, with JSON or nothing as its payload.")
    headers_of(channel)
    _require_endpoint(str(channel.get("endpoint", "")))
    if len(id_) > LONGEST_ID or len(criteria) > _LONGEST_CRITERIA:
        raise Refused(422, "too-long", f"An id has {LONGEST_ID} characters here, criteria {_LONGEST_CRITERIA}.")
    if "end" in document:
        raise Refused(422, "not-supported", "A subscription with an end is not supported: set it to off.")
    query = _query(criteria)
    searched = (query.kind, *looked_into(query))
    allowed = claims is not None and may(claims, query.kind, Interaction.READ)
    if claims is None or not allowed or not all(may(claims, kind, Interaction.SEARCH) for kind in searched):
        raise Refused(403, "forbidden", "The author may not read what the criteria ask for.")
    return query


def _require_endpoint(endpoint: str) -> None:
    """Raise Refused for an address that is never allowed; which network it is in is looked at with each delivery."""
    try:
        parts = urlsplit(endpoint)
        odd = parts.port == 0 or parts.username is not None or not parts.hostname
    except ValueError:
        odd = True
    if odd or not endpoint.isascii() or not endpoint.isprintable() or parts.query or parts.fragment:
        raise Refused(422, "value", "An endpoint is an address without login, query and fragment.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise Refused(422, "security", "An endpoint is asked by https, or by http on this machine.")


def _query(criteria: str, *more: tuple[str, str]) -> Query:
    kind, _, search = criteria.partition("?")
    if kind not in parameters() or kind == "Subscription":
        raise Refused(422, "value", "Criteria are TYPE?search, of a type that is kept here.")
    query = parse(kind, [*parse_qsl(search, keep_blank_values=True), *more], strict=True)
    if query.include or query.revinclude or query.sort:
        raise Refused(422, "not-supported", "Criteria bring nothing along and sort nothing.")
    return query


def _fitting(work: Work, store: Store, one: Stored) -> Iterable[str]:
    """Return the subscriptions that a resource, as it now is, fits."""
    for watch in work.session.scalars(select(Watch).where(Watch.kind == one.kind).order_by(Watch.id)).all():
        claims = claims_of(work.session, watch.author)
        if claims is not None and may(claims, one.kind, Interaction.READ):
            view = view_of(work.session, claims, work.now)
            if matching(view, _query(watch.criteria, ("_id", one.id)), 1):
                yield watch.id
