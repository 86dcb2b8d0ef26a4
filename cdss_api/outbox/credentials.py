"""How a target knows us: kept in a file that its owner alone reads, never in the database, a log or an answer."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from cdss_api.outbox.addresses import secure
from cdss_api.secret_files import write_secret

_Secret = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[!-~]([ -~]*[!-~])?$")]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
_Url = Annotated[str, StringConstraints(max_length=500), AfterValidator(secure)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Nothing(_Strict):
    """The target asks for none."""

    kind: Literal["none"] = "none"


class Header(_Strict):
    """A header that stays the same, as an API key."""

    kind: Literal["header"]
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    value: _Secret


class ClientCredentials(_Strict):
    """OAuth 2 client credentials (RFC 6749 4.4), the client's secret by HTTP Basic (2.3.1)."""

    kind: Literal["client_credentials"]
    token_url: _Url
    client_id: _Name
    client_secret: _Secret
    scope: Annotated[str, StringConstraints(max_length=500)] = "system/*.write"


class PrivateKeyJwt(_Strict):
    """SMART backend services: client credentials with a signed assertion (RFC 7523), RS384 or ES384."""

    kind: Literal["private_key_jwt"]
    token_url: _Url
    client_id: _Name
    key_id: _Name
    algorithm: Literal["RS384", "ES384"] = "ES384"
    private_key: Annotated[str, StringConstraints(min_length=1, max_length=8192)]  # PEM
    scope: Annotated[str, StringConstraints(max_length=500)] = "system/*.cruds"


Authorization = Annotated[Nothing | Header | ClientCredentials | PrivateKeyJwt, Field(discriminator="kind")]
AUTHORIZATION: TypeAdapter[Nothing | Header | ClientCredentials | PrivateKeyJwt] = TypeAdapter(Authorization)


class Credentials(_Strict):
    """What is kept for a target; `signing_secret` is what a webhook's signatures are made with."""

    authorization: Authorization = Nothing()
    signing_secret: str | None = None


def new_signing_secret() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_urlsafe(32)


def keep(data: Path, target: str, credentials: Credentials) -> None:
    """Write a target's credentials."""
    write_secret(_file(data, target), credentials.model_dump_json().encode())


def read(data: Path, target: str) -> Credentials:
    """Return a target's credentials; raises OSError where this machine does not have them."""
    return Credentials.model_validate_json(_file(data, target).read_bytes())


def forget(data: Path, target: str) -> None:
    """Remove a target's credentials."""
    _file(data, target).unlink(missing_ok=True)


def _file(data: Path, target: str) -> Path:
    return data / "keys" / "outbox" / f"{target}.json"
