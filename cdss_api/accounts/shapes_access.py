"""What the routes of grants, break-glass and links take and give."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from cdss_api.accounts.links import LONGEST, MOST_STUDIES
from cdss_api.accounts.models import Grant
from cdss_api.accounts.shapes import Identifier, Issuer, PatientId, Reason, StudyUid
from cdss_api.accounts.shapes_people import PatientBody, instant
from cdss_api.input import Input
from neuronova.contract.grants import Ground


class GrantQuery(Input):
    """Whose grant."""

    patient_id: PatientId
    issuer: Issuer = ""


class GrantsQuery(Input):
    """Which page of the list, in the order of the patients."""

    offset: int = Field(default=0, ge=0, le=1_000_000)
    limit: int = Field(default=100, ge=1, le=1000)


class BreakGlassBody(PatientBody):
    """Whom one has to see, and why."""

    reason: Reason


class StudyPath(Input):
    """Which study."""

    study: StudyUid


class StudyBreakGlassBody(Input):
    """Why one has to see it."""

    reason: Reason


class GrantEntry(BaseModel):
    """An account may see a patient."""

    id: str
    account: str
    patient_id: str
    issuer: str
    ground: Ground
    granted_at: str
    granted_by: str
    until: str | None
    reason: str | None


class GrantsAnswer(BaseModel):
    """Grants."""

    grants: list[GrantEntry]


class LinkBody(Input):
    """Which studies, for how many seconds, and whether an annotation may be stored."""

    studies: Annotated[list[StudyUid], Field(min_length=1, max_length=MOST_STUDIES)]
    store: bool = False
    expires_in: int = Field(default=7 * 24 * 3600, ge=60, le=LONGEST)


class LinkPath(Input):
    """A link's identifier."""

    link_id: Identifier


class NewLinkAnswer(BaseModel):
    """A link with its token."""

    id: str
    token: str
    url: str


class LinkEntry(BaseModel):
    """A link without its token."""

    id: str
    account: str
    studies: list[str]
    store: bool
    created_at: str
    expires_at: str


class LinksAnswer(BaseModel):
    """Links."""

    links: list[LinkEntry]


def grant_entry(grant: Grant) -> GrantEntry:
    """Return a grant as it is told."""
    return GrantEntry(
        id=grant.grant_id,
        account=grant.account_id,
        patient_id=grant.patient_id,
        issuer=grant.issuer,
        ground=Ground(grant.ground),
        granted_at=instant(grant.granted_at),
        granted_by=grant.granted_by,
        until=None if grant.until is None else instant(grant.until),
        reason=grant.reason,
    )
