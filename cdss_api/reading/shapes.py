"""What the routes of reports and lists take and give; every text and list has its limit."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from cdss_api.accounts.shapes import StudyUid
from cdss_api.input import Input
from cdss_api.reading.progress import Progress

LONGEST_REPORT = 100_000  # characters
_PLAIN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"  # FHIR R4 2.24.0.1: a string has no other control characters
Search = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
ModalityCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{2,16}$")]
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]
OneLine = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class ListQuery(Input):
    """Which of the studies that wait."""

    modality: ModalityCode | None = None
    priority: Literal["stat", "asap", "urgent", "routine"] | None = None
    progress: Progress | None = None
    text: Search | None = Field(default=None, description="Words of patient, study or order.")
    since: AwareDatetime | None = Field(default=None, description="Came at this time or later.")
    mine: bool = False
    limit: int = Field(default=100, ge=1, le=500)
    offset: int = Field(default=0, ge=0, le=1_000_000)


class PersonShown(BaseModel):
    """Who a patient is."""

    name: str
    patient_id: str
    issuer: str
    birth_date: str
    sex: str


class OrderShown(BaseModel):
    """What was ordered."""

    id: str
    accession_number: str
    description: str
    indication: str
    status: str


class Row(BaseModel):
    """One study."""

    study: str
    imaging_study: str
    came: str
    started: str
    priority: str
    modalities: list[str]
    body_parts: list[str]
    description: str
    patient: PersonShown
    orders: list[OrderShown]
    progress: Progress
    report: str = Field(description="The status of its report, empty where there is none.")
    ai_findings: list[str] = Field(description="What models found that makes it urgent, for who may see results.")


class ListAnswer(BaseModel):
    """A page of the list, and how many studies fit in all."""

    studies: list[Row]
    total: int
    now: str


class StudyPath(Input):
    """Which study."""

    study: StudyUid


class CodingBody(BaseModel):
    """A coded conclusion."""

    model_config = ConfigDict(extra="forbid")
    system: Annotated[str, StringConstraints(pattern=r"^(https?://|urn:)[!-~]{1,190}$")]
    code: Annotated[str, StringConstraints(max_length=64, pattern=r"^[!-~]+( [!-~]+)*$")]
    display: Annotated[
        str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f\s]([^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s])?$")
    ]


class KeyImageBody(BaseModel):
    """An image that shows what the report says."""

    model_config = ConfigDict(extra="forbid")
    series: StudyUid
    instance: StudyUid
    frame: int | None = Field(default=None, ge=1, le=100_000)
    comment: OneLine = ""


class ReportBody(Input):
    """What a radiologist writes."""

    model_config = ConfigDict(extra="forbid")
    status: Literal["draft", "preliminary", "final", "amended"]
    conclusion: Annotated[str, StringConstraints(max_length=LONGEST_REPORT, pattern=_PLAIN)]
    codes: list[CodingBody] = Field(default=[], max_length=20)
    key_images: list[KeyImageBody] = Field(default=[], max_length=50)


class ReportShown(BaseModel):
    """A version of a report."""

    id: str
    version: int
    status: str
    issued: str
    changed: str
    conclusion: str
    codes: list[dict[str, str]]
    key_images: list[dict[str, Any]]


class VersionShown(ReportShown):
    """A version, and who wrote it."""

    author: str


class PriorShown(ReportShown):
    """Another report of the patient."""

    description: str
    effective: str
    study: str
    readers: list[str]


class TemplateShown(BaseModel):
    """A text to begin with, filled for this study."""

    name: str
    title: str
    language: str
    text: str


class CodeShown(BaseModel):
    """A code of the site."""

    system: str
    code: str
    display: str


class OpenedAnswer(BaseModel):
    """All that an editor needs."""

    study: str
    description: str
    started: str
    modalities: list[str]
    patient: PersonShown
    orders: list[OrderShown]
    report: ReportShown | None
    readers: list[str]
    may_write: bool
    priors: list[PriorShown]
    templates: list[TemplateShown]
    codes: list[CodeShown]


class VersionsAnswer(BaseModel):
    """All versions, the newest first."""

    versions: list[VersionShown]


class DifferenceQuery(Input):
    """From which version to which."""

    before: int = Field(ge=1, le=1_000_000)
    after: int = Field(ge=1, le=1_000_000)


class Run(BaseModel):
    """Words that stand in both versions, or in one."""

    kind: Literal["same", "removed", "added"]
    text: str


class DifferenceAnswer(BaseModel):
    """Two versions' texts as one."""

    runs: list[Run]
