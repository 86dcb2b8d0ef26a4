"""Clients registered, changed and disabled; a disabled client's tokens end at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.accounts.logins import end, new_id
from cdss_api.accounts.people import Odd, Taken
from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from cdss_api.clients.keys import BadKeys, checked_url, read_keys
from cdss_api.clients.models import Client
from neuronova.contract.scopes import Context, OddScope, Scopes, parse_scopes, written
from neuronova.contract.token import LEEWAY

LIFETIME = 300  # seconds of a client's access token


def add(work: Work, *, name: str, scopes: str, jwks_url: str | None = None, jwks: Any = None) -> Client:
    """Register a client, by the address of its keys or by the keys themselves.

    Raises:
        Odd: the name is taken, or keys or scopes are not what they should be.
    """
    work.alone()
    if find(work.session, name) is not None:
        raise Taken(f"there is a client {name} already")
    if (jwks_url is None) == (jwks is None):
        raise Odd("a client has either an address of its keys or the keys themselves")
    try:
        if jwks_url is not None:
            checked_url(jwks_url)
        else:
            read_keys(jwks)
    except BadKeys as bad:
        raise Odd(str(bad)) from None
    client = Client(
        client_id=new_id(),
        name=name,
        jwks_url=jwks_url,
        jwks=jwks,
        scopes=written(grantable(scopes)),
        enabled=True,
        session=new_id(),
        created_at=work.now,
    )
    work.session.add(client)
    work.session.flush()
    work.record(Action.CLIENT_ADD, client=client.client_id, name=name, scopes=client.scopes)
    return client


def change(work: Work, client: Client, *, enabled: bool | None = None, scopes: str | None = None) -> None:
    """Change what is given; the tokens that the client has end with it.

    Raises:
        Odd: the scopes are none that a client can have.
    """
    work.alone()
    before = (client.enabled, client.scopes)
    client.enabled = client.enabled if enabled is None else enabled
    client.scopes = client.scopes if scopes is None else written(grantable(scopes))
    if (client.enabled, client.scopes) == before:
        return
    end(work, client.session, work.now + LIFETIME + LEEWAY)
    client.session = new_id()
    work.session.flush()
    work.record(
        Action.CLIENT_CHANGE,
        client=client.client_id,
        name=client.name,
        scopes=client.scopes,
        enabled=str(client.enabled).lower(),
    )


def grantable(text: str) -> Scopes:
    """Return scopes that a client can have: of the system, for nobody is there in whose place it could act.

    Raises:
        Odd: they are none.
    """
    try:
        scopes = parse_scopes(text)
    except OddScope as odd:
        raise Odd(str(odd)) from None
    if not scopes or any(one.context is not Context.SYSTEM for one in scopes):
        raise Odd("a client has scopes of the system, such as system/Patient.rs")
    return scopes


def find(session: Session, name: str) -> Client | None:
    """Return the client of this name, or of this identifier."""
    return session.scalar(select(Client).where((Client.name == name) | (Client.client_id == name)))


def every(session: Session) -> list[Client]:
    """Return all clients, by name."""
    return list(session.scalars(select(Client).order_by(Client.name)))
