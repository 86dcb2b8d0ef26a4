"""What the routes of accounts take and give; every text and list has its limit."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, StringConstraints, model_validator

from cdss_api.accounts.languages import Language
from cdss_api.input import Input
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


class LoginBody(Input):
    """Who one is."""

    username: Name
    password: GivenPassword
    otp: Code | None = None


class TokenBody(Input):
    """A refresh token, where it is not in the cookie."""

    refresh_token: OpaqueToken | None = None

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: Any) -> Any:
        return {} if value is None else value


class OutsideTokenBody(Input):
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
    language: Language | None


class OneTimeAnswer(BaseModel):
    """What goes into an authenticator."""

    secret: str
    uri: str


class CodeBody(Input):
    """A code of the authenticator."""

    otp: Code


class PasswordBody(Input):
    """The password as it was and as it shall be."""

    old: GivenPassword
    new: NewPassword


class LanguageBody(Input):
    """The language that pages are in, wherever one logs in; none: as each browser asks for."""

    language: Language | None


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
