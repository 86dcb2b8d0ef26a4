"""Tokens that the service makes for itself, to ask the other parts as any client does."""

from __future__ import annotations

from collections.abc import Iterable

from cdss_api.accounts.logins import new_id
from cdss_api.service import Service
from neuronova.contract.roles import Permission, Role
from neuronova.contract.token import Claims

_LIFETIME = 60  # seconds


def token(service: Service, name: str, scopes: Iterable[Permission], study: str | None = None) -> str:
    """Return a token of the service `name` for what it is about to do; with `study` it reads that one alone."""
    now = int(service.now())
    claims = Claims(
        subject=f"service:{name}",
        role=Role.SERVICE,
        token_id=new_id(),
        session=new_id(),
        issued_at=now,
        expires_at=now + _LIFETIME,
        scopes=frozenset(scopes),
        studies=None if study is None else frozenset({study}),
        may_store=study is None,
    )
    with service.database.reading() as session:
        return service.keyring.sign(session, claims)[0]
