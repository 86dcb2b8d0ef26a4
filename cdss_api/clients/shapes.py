"""What the routes of clients take and give; every text and list has its limit."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from cdss_api.accounts.shapes import Identifier
from cdss_api.input import Input
from neuronova.contract.scopes import LONGEST

ClientName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,126}[A-Za-z0-9]$")]
ScopeList = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]


class TokenForm(Input):
    """A request for a token (RFC 6749 4.4.2, RFC 7523 2.2), checked by hand: its errors are OAuth's."""

    grant_type: str | None = Field(None, description="client_credentials")
    client_assertion_type: str | None = Field(
        None, description="urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    )
    client_assertion: str | None = Field(None, description="A JSON Web Token that the client signed.")
    scope: str | None = Field(None, description="Such as system/Patient.rs, with spaces between.")
    client_id: str | None = None


class GrantedAnswer(BaseModel):
    """An access token (RFC 6749 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class OAuthError(BaseModel):
    """No token, and why (RFC 6749 5.2)."""

    error: str
    error_description: str


class ClientPath(Input):
    """Which client."""

    client_id: Identifier


class ClientBody(Input):
    """A client to register: with `jwks_url` or `jwks`."""

    name: ClientName
    scopes: ScopeList
    jwks_url: Annotated[str, StringConstraints(max_length=2048)] | None = None
    jwks: dict[str, Any] | None = None


class ClientChangeBody(Input):
    """What is to change."""

    enabled: bool | None = None
    scopes: ScopeList | None = None


class ClientEntry(BaseModel):
    """A client."""

    client_id: str
    name: str
    scopes: str
    jwks_url: str | None
    keys: list[str] = Field(description="Identifiers of the keys that were given at registration.")
    enabled: bool
    created_at: str


class ClientsAnswer(BaseModel):
    """All clients."""

    clients: list[ClientEntry]
