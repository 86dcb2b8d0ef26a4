"""What the routes of accounts take and give; every text and list has its limit."""

from __future__ import annotations

from typing import Annotated, Any

from flask_openapi3.models import Schema
from flask_openapi3.types import ResponseDict
from pydantic import BaseModel, StringConstraints, model_validator

from cdss_api.problems import MEDIA_TYPE, ProblemDetails
from neuronova.contract.roles import Permission, Role
from neuronova.contract.settings import LONGEST_PASSWORD, SHORTEST_PASSWORD

_PLAIN = r"^[^\x00-\x1f\x7f]*$"  # control characters are in no name, and PostgreSQL keeps no NUL

GivenPassword = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PASSWORD)]
NewPassword = Annotated[str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=_PLAIN)]
NewName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
DisplayName = Annotated[str, StringConstraints(max_length=128, pattern=_PLAIN)]
OpaqueToken = Annotated[str, StringConstraints(min_length=1, max_length=16_384)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
# LO (PS3.5 6.2): at most 64 characters, no backslash; DICOM's padding is not part of it.
_LONG_STRING = r"^[^\x00-\x1f\x7f\\ ]([^\x00-\x1f\x7f\\]*[^\x00-\x1f\x7f\\ ])?$"
PatientId = Annotated[str, StringConstraints(max_length=64, pattern=_LONG_STRING)]
Issuer = Annotated[str, StringConstraints(max_length=64, pattern=rf"^$|{_LONG_STRING}")]
Reason = Annotated[str, StringConstraints(min_length=10, max_length=500, pattern=r"^\S[^\x00-\x1f\x7f]*\S$")]
# UI (PS3.5 6.2, 9.1).
StudyUid = Annotated[str, StringConstraints(max_length=64, pattern=r"^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+$")]

# One word for all errors; a route names beside it what it answers when all is well.
ERRORS: ResponseDict = {
    "4XX": {
        "description": "A problem (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
}
NOTHING: ResponseDict = {"204": {"description": "Done"}}


class LoginBody(BaseModel):
    """Who one is."""

    username: Name
    password: GivenPassword
    otp: Code | None = None


class TokenBody(BaseModel):
    """A refresh token, where it is not in the cookie."""

    refresh_token: OpaqueToken | None = None

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: Any) -> Any:
        return {} if value is None else value


class OutsideTokenBody(BaseModel):
    """A token of the identity provider."""

    token: OpaqueToken


class TokensAnswer(BaseModel):
    """RFC 6749, 5.1."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


class MeAnswer(BaseModel):
    """Whose token it is, and what it allows."""

    account: str
    username: str
    display_name: str
    role: Role
    permissions: list[Permission]
    one_time_password: bool
    studies: list[str] | None
    expires_at: str


class OneTimeAnswer(BaseModel):
    """What goes into an authenticator."""

    secret: str
    uri: str


class CodeBody(BaseModel):
    """A code of the authenticator."""

    otp: Code


class PasswordBody(BaseModel):
    """The password as it was and as it shall be."""

    old: GivenPassword
    new: NewPassword


class KeyAnswer(BaseModel):
    """A public key (RFC 8037)."""

    kty: str
    crv: str
    use: str
    alg: str
    kid: str
    x: str


class KeysAnswer(BaseModel):
    """RFC 7517, 5."""

    keys: list[KeyAnswer]


def describe(schemas: dict[str, Any]) -> None:
    """Put the problem's schema among those of the API's description."""
    schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, nested in schema.pop("$defs", {}).items():
        schemas[name] = Schema(**nested)
    schemas[ProblemDetails.__name__] = Schema(**schema)
