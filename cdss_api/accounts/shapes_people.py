"""What the routes of users take and give."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from cdss_api.accounts.grants import own_patient
from cdss_api.accounts.models import Account
from cdss_api.accounts.shapes import DisplayName, Identifier, Issuer, Name, NewName, NewPassword, PatientId
from cdss_api.input import Input
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role


def instant(seconds: float) -> str:
    """Return a time as ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


class PatientBody(Input):
    """A patient: PatientID (0010,0020) and its issuer (0010,0021), empty where the images name none."""

    patient_id: PatientId
    issuer: Issuer = ""

    def patient(self) -> Patient:
        """Return the contract's value."""
        return Patient(self.patient_id, self.issuer)


class _OfPatient(Input):
    patient: PatientBody | None = None

    def whose(self) -> Patient | None:
        """Return the patient, if one is named."""
        return None if self.patient is None else self.patient.patient()


class NewUserBody(_OfPatient):
    """A new account; `patient` for the role patient alone."""

    username: NewName
    password: NewPassword
    role: Role
    display_name: DisplayName = ""


class UserChangeBody(_OfPatient):
    """What of an account changes."""

    display_name: DisplayName | None = None
    role: Role | None = None
    enabled: bool | None = None


class NewPasswordBody(Input):
    """The password that replaces a forgotten one."""

    password: NewPassword


class UserPath(Input):
    """An account's identifier."""

    account_id: Identifier


class UsersQuery(Input):
    """Which accounts, and which page of the list, in the order of the names."""

    text: Name | None = Field(default=None, description="A part of the username or of the name.")
    role: Role | None = None
    enabled: bool | None = None
    after: Name | None = None
    limit: int = Field(default=100, ge=1, le=500)


class GrantCounts(BaseModel):
    """How many patients an account may see now beside those of its role, by ground."""

    care_team: int
    break_glass: int


class UserAnswer(BaseModel):
    """An account as an administrator sees it."""

    id: str
    username: str
    display_name: str
    role: Role
    enabled: bool
    one_time_password: bool
    outside: bool = Field(description="An identity provider vouches for it; it has no password.")
    patient: PatientBody | None
    created_at: str
    last_login: str | None
    grants: GrantCounts


class UsersAnswer(BaseModel):
    """A page of accounts."""

    users: list[UserAnswer]


def user_answer(account: Account, grants: GrantCounts) -> dict[str, object]:
    """Return an account's JSON value."""
    own = own_patient(account)
    return UserAnswer(
        id=account.account_id,
        username=account.username,
        display_name=account.display_name,
        role=Role(account.role),
        enabled=account.enabled,
        one_time_password=account.totp_confirmed,
        outside=account.password_hash is None,
        patient=own and PatientBody(patient_id=own.patient_id, issuer=own.issuer),
        created_at=instant(account.created_at),
        last_login=None if account.last_login is None else instant(account.last_login),
        grants=grants,
    ).model_dump(mode="json")
