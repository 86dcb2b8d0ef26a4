"""An access token for a client that proves who it is (RFC 6749 4.4, RFC 7523 2.2, SMART Backend Services)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete

from cdss_api.accounts.logins import new_id
from cdss_api.accounts.recording import Action, Actor, Outcome
from cdss_api.accounts.work import Work
from cdss_api.clients.assertion import Assertion, BadAssertion, claimed, verified
from cdss_api.clients.keys import BadKeys, FetchedKeys, PublicKey, by_id, read_keys
from cdss_api.clients.models import Client, UsedAssertion
from cdss_api.clients.registry import LIFETIME
from cdss_api.database import insert_into
from cdss_api.service import Service
from neuronova.contract.roles import Role
from neuronova.contract.scopes import OddScope, Scopes, parse_scopes, within, written
from neuronova.contract.token import Claims

GRANT = "client_credentials"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PATH = "/api/v1/auth/token"
_ID = re.compile(r"[0-9a-f]{32}")


class Refusal(Exception):
    """No token; `code` is one of RFC 6749 5.2, the message says why and holds no secret."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Granted:
    """A token and what it is for."""

    token: str
    scope: str


def endpoint(service: Service) -> str:
    """Return the address of the token endpoint, which assertions are made for.

    It is the configured one, never what a request names as its host: an assertion that was made for another server
    would hold here otherwise.
    """
    return f"{service.settings.gateway_url}{PATH}"


def grant(service: Service, fetched: FetchedKeys, form: Mapping[str, str], address: str) -> Granted:
    """Return a token for what a client asks for by `form`.

    Raises:
        Refusal: it does not get one.
    """
    if form.get("grant_type") != GRANT:
        missing = "grant_type" not in form
        raise Refusal("invalid_request" if missing else "unsupported_grant_type", f"The grant_type here is {GRANT}.")
    if form.get("client_assertion_type") != ASSERTION:
        raise Refusal("invalid_client", f"A client proves who it is by client_assertion_type {ASSERTION}.")
    asked = _asked(form.get("scope", ""))
    try:
        client_id, key_id = claimed(form.get("client_assertion", ""))
        if form.get("client_id", client_id) != client_id:
            raise BadAssertion("client_id is another than that of the assertion")
    except BadAssertion as bad:
        raise Refusal("invalid_client", f"{bad}."[:200]) from None
    client_id = client_id if _ID.fullmatch(client_id) else ""  # what is unknown may be any text
    actor = Actor(subject=f"client:{client_id}" if client_id else "", role=Role.SERVICE, address=address)
    try:
        assertion = _proved(service, fetched, form["client_assertion"], client_id, key_id)
        return _granted(service, actor, assertion, asked)
    except Refusal as refusal:
        with service.work(actor) as work:
            work.record(Action.CLIENT_TOKEN, Outcome.DENIED, reason=refusal.code, client=client_id)
        raise


def _asked(text: str) -> Scopes:
    try:
        asked = parse_scopes(text)
    except OddScope as odd:
        raise Refusal("invalid_scope", f"{odd}.") from None
    if not asked:
        raise Refusal("invalid_scope", "This needs a scope such as system/Patient.rs.")
    return asked


def _proved(service: Service, fetched: FetchedKeys, text: str, client_id: str, key_id: str) -> Assertion:
    """Return the assertion, verified with the client's key; whether it is fresh shows as it is used."""
    try:
        with service.database.reading() as session:
            client = session.get(Client, client_id)
            known = client if client is not None and client.enabled else None
            url, jwks = (known.jwks_url, known.jwks) if known is not None else (None, None)
        key = _key(fetched, url, jwks, key_id)
        if key is None:
            raise BadAssertion("there is no such client, or it has no such key")
        return verified(text, key, endpoint(service), service.now())
    except (BadAssertion, BadKeys) as bad:
        raise Refusal("invalid_client", f"{bad}.".capitalize()) from None


def _key(fetched: FetchedKeys, url: str | None, jwks: object, key_id: str) -> PublicKey | None:
    if url is not None:
        return fetched.find(url, key_id)
    return by_id(read_keys(jwks), key_id) if jwks is not None else None


def _granted(service: Service, actor: Actor, assertion: Assertion, asked: Scopes) -> Granted:
    with service.work(actor) as work:
        client = work.session.get(Client, assertion.client_id, with_for_update={"read": True})
        if client is None or not client.enabled:
            raise Refusal("invalid_client", "There is no such client.")
        scopes = within(asked, parse_scopes(client.scopes))
        if not scopes:
            raise Refusal("invalid_scope", "The client may have none of these scopes.")
        if not _is_first(work, assertion):
            raise Refusal("invalid_client", "The assertion was used before: each has a jti of its own.")
        claims = Claims(
            subject=actor.subject,
            role=Role.SERVICE,
            token_id=new_id(),
            session=client.session,
            issued_at=int(work.now),
            expires_at=int(work.now) + LIFETIME,
            fhir=scopes,
        )
        token, _ = service.keyring.sign(work.session, claims)
        work.record(Action.CLIENT_TOKEN, client=client.client_id, token=claims.token_id, scopes=written(scopes))
        return Granted(token, written(scopes))


def _is_first(work: Work, assertion: Assertion) -> bool:
    """Use an assertion; of two that use it at the same time, one is told that it is not the first."""
    work.session.execute(delete(UsedAssertion).where(UsedAssertion.until < work.now))
    values = {"client_id": assertion.client_id, "jti_hash": assertion.jti_hash, "until": assertion.until}
    made = insert_into(work.session, UsedAssertion).values(values).on_conflict_do_nothing()
    return work.session.execute(made.returning(UsedAssertion.jti_hash)).first() is not None
