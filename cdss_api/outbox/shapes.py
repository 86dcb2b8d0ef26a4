"""What the outbox's routes take and give; every text and list has its limit."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from cdss_api.input import Input
from cdss_api.outbox.addresses import secure
from cdss_api.outbox.credentials import Authorization, Nothing
from cdss_api.outbox.dispatching import OWN
from cdss_api.outbox.openemr import FHIR
from cdss_api.outbox.profiles import KINDS, POLLED, PROFILES, Kind
from cdss_api.outbox.states import State

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Written = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][ -~]{0,63}$")]  # the platform's own, too: dicom:AET


class TargetPath(Input):
    """Which target."""

    target: Name


class TargetBody(Input):
    """A new target; `kinds` are the types that it is told of, `polled` those that it is asked for."""

    model_config = ConfigDict(hide_input_in_errors=True)  # there are secrets in it

    target: Name
    profile: Kind
    url: Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(secure)]
    kinds: Annotated[list[str], Field(min_length=1, max_length=64)]
    polled: Annotated[list[str], Field(max_length=8, default_factory=list)]
    authorization: Authorization = Nothing()

    @model_validator(mode="after")
    def _takes(self) -> TargetBody:
        if self.target in OWN:
            raise ValueError(f"target: {self.target} is the platform's own")
        unknown = sorted(set(self.kinds) - PROFILES[self.profile].kinds)
        if unknown:
            known = "is not sent" if unknown[0] not in KINDS else f"is not taken by {self.profile}"
            raise ValueError(f"kinds: {unknown[0][:64]} {known}")
        if self.profile is Kind.OPENEMR and not self.url.endswith(FHIR):
            raise ValueError(f"url: an OpenEMR's ends with {FHIR}, as in https://emr.example.org/apis/default/fhir")
        odd = sorted(set(self.polled) - POLLED)
        if odd or (self.polled and not PROFILES[self.profile].polls):
            raise ValueError(f"polled: {odd[0][:64] if odd else self.profile} is not polled")
        return self


class TargetChange(Input):
    """Whether it is sent to."""

    paused: bool


class RemoveQuery(Input):
    """Whether what waits for it is deleted, too."""

    drop: bool = False


class TargetEntry(BaseModel):
    """A target, how much waits for it, and its breaker. Times are seconds since the epoch, UTC."""

    target: str
    own: bool
    profile: str | None
    url: str | None
    kinds: list[str]
    polled: list[str]
    paused: bool
    waiting: int
    dead: int
    oldest_seconds: float
    breaker: str
    failures: int
    until: float | None
    worked_at: float | None


class TargetMade(BaseModel):
    """A target as it was made. What a webhook's signatures are checked with is not shown again."""

    target: str
    signing_secret: str | None


class TargetsAnswer(BaseModel):
    """All targets by name."""

    targets: list[TargetEntry]


class MessagePath(Input):
    """Which message."""

    number: Annotated[int, Field(ge=1, lt=1 << 63)]


class MessagesQuery(Input):
    """Which messages; the page after one begins behind its last number."""

    target: Written | None = None
    state: State | None = None
    after: Annotated[int, Field(ge=0, lt=1 << 63)] = 0
    count: Annotated[int, Field(ge=1, le=500)] = 100


class MessageEntry(BaseModel):
    """A message; `payload` is there where it was asked for alone."""

    number: int
    key: str
    target: str
    aggregate: str
    kind: str
    state: State
    attempts: int
    created_at: float
    changed_at: float
    due_at: float | None
    parked: bool
    verdict: str | None
    detail: str | None
    payload: str | None


class MessagesAnswer(BaseModel):
    """Messages in the order of their numbers."""

    messages: list[MessageEntry]


class ConflictsQuery(Input):
    """Which conflicts: the newest."""

    target: Name | None = None
    count: Annotated[int, Field(ge=1, le=500)] = 100


class ConflictEntry(BaseModel):
    """The version that lost, ours or `theirs`; without `loser` it had been deleted there."""

    number: int
    target: str
    kind: str
    id: str
    version: int
    remote_id: str
    remote_version: str | None
    loser: str | None
    lost: str
    found_at: float


class ConflictsAnswer(BaseModel):
    """Conflicts, the newest first."""

    conflicts: list[ConflictEntry]


def entry(shape: type[BaseModel], row: Any) -> Any:
    """Return a row as a route shows it."""
    return shape.model_validate(row, from_attributes=True)
