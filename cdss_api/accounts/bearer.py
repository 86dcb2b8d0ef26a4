"""Who asks: the bearer of an access token, and what they may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from flask import Request, g, request
from flask_openapi3 import APIBlueprint
from flask_openapi3.models import Tag
from flask_openapi3.request import validate_request
from sqlalchemy import bindparam, exists, literal, select
from sqlalchemy.orm import Session

from cdss_api.accounts.keys import accepted
from cdss_api.accounts.models import Account, Ended, SigningKey
from cdss_api.accounts.recording import Actor
from cdss_api.service import Service
from neuronova.contract.roles import Permission, Role
from neuronova.contract.token import BadToken, Claims, ExpiredToken, require_current
from neuronova.contract.verified import Verified
from neuronova.web.problems import ERRORS, Problem

SESSION_COOKIE = "neuronova_session"
CLIENT_HEADER = "X-Neuronova-Client"
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"cookie": []}]

P = ParamSpec("P")
R = TypeVar("R")


class Guard(Protocol):
    """What `requires` returns: a decorator that leaves a view's type as it is."""

    def __call__(self, view: Callable[P, R], /) -> Callable[P, R]:
        """Guard the view."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """The claims of a token that holds at this moment."""

    claims: Claims
    actor: Actor


def bearer() -> Bearer:
    """Return who asks, in a view that requires it."""
    found: Bearer = g.bearer
    return found


def client_address() -> str:
    """Return the client's address as the gateway says; who asks this port directly is on this machine."""
    return (request.headers.get(CLIENT_HEADER) or request.remote_addr or "unknown")[:64]


def requires(service: Service, permission: Permission | None = None, *, whole: bool = True) -> Guard:
    """Answer only to a bearer with this permission; `whole` refuses a token that is narrowed to studies.

    The token is looked at before the input.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        checked: Callable[P, R] = validate_request()(view)

        @wraps(checked)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            found = authenticate(service, request)
            if whole and found.claims.studies is not None:
                raise Problem(403, "narrow_token", "This token is for named studies only.")
            if permission is not None and permission not in found.claims.permissions:
                raise Problem(403, "forbidden", f"This needs the permission {permission}.")
            g.bearer = found
            return checked(*args, **kwargs)

        return guarded

    return decorate


def guarded_routes(name: str, path: str, *, tag: str) -> APIBlueprint:
    """Return routes below `path` for who has a token, as the API's description lists them under `tag`."""
    return APIBlueprint(
        name, __name__, url_prefix=path, abp_tags=[Tag(name=tag)], abp_responses=ERRORS, abp_security=SECURITY
    )


def authenticate(service: Service, asked: Request) -> Bearer:
    """Return the bearer of the request's token (RFC 6750 2.1, or our cookie).

    Raises:
        Problem: 401 with the challenge of RFC 6750 3, if there is none or it does not hold.
    """
    claims, _ = standing(service, bearer_token(asked))
    actor = Actor(subject=claims.subject, role=claims.role, token_id=claims.token_id, address=client_address())
    return Bearer(claims, actor)


def standing(service: Service, token: str | None) -> Verified:
    """Return what a token says, if it holds at this moment.

    Raises:
        Problem: as `authenticate` does.
    """
    if token is None:
        raise Problem(401, "token_missing", "This needs an access token.", _challenge())
    with service.database.reading() as session:
        try:
            claims, key_id = _verified(service, session, token)
        except ExpiredToken:
            raise Problem(401, "token_expired", "The access token has expired.", _challenge("invalid_token")) from None
        except BadToken as bad:
            raise Problem(401, "token_invalid", f"{bad}.".capitalize(), _challenge("invalid_token")) from None
        if not stands(session, claims, key_id, service.now()):
            raise Problem(401, "token_revoked", "The access token was revoked.", _challenge("invalid_token"))
    return Verified(claims, key_id)


def stands(session: Session, claims: Claims, key_id: str, now: float) -> bool:
    """Tell whether nothing ended a verified token before its time: its login, its account, its role or its key."""
    whose = {"account": claims.subject, "session": claims.session, "token": claims.token_id, "key": key_id}
    found = session.connection().execute(_STANDING, {**whose, "now": now}).one()
    known = found.role is not None
    holds = (found.enabled and found.role == claims.role) if known else claims.role is Role.SERVICE
    return bool(holds and found.signed and not found.ended)


def _verified(service: Service, session: Session, token: str) -> Verified:
    known = service.tokens.get(token)
    if known is None:
        return service.tokens.verify(token, service.keyring.public_keys(session, service.now()), service.now())
    require_current(known.claims, service.now())
    return known


# Built once, and asked at once, for every request asks it.
_STANDING = (
    select(
        Account.role,
        Account.enabled,
        exists().where(Ended.ended.in_((bindparam("session"), bindparam("token")))).label("ended"),
        exists().where(SigningKey.key_id == bindparam("key"), accepted(bindparam("now"))).label("signed"),
    )
    .select_from(select(literal(1).label("one")).subquery())
    .outerjoin(Account, Account.account_id == bindparam("account"))
)


def bearer_token(asked: Request) -> str | None:
    """Return the token that a request carries."""
    return token_of(asked.headers.get("Authorization", ""), asked.cookies)


def token_of(authorization: str, cookies: Mapping[str, str]) -> str | None:
    """Return the token of an Authorization header, or else of our cookie."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return cookies.get(SESSION_COOKIE) or None


def _challenge(error: str | None = None) -> dict[str, str]:
    return {"WWW-Authenticate": 'Bearer realm="neuronova"' + (f', error="{error}"' if error else "")}
