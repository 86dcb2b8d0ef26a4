"""`/api/v1/studies`: stored studies with the state of their HTJ2K."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from cdss_api.accounts.bearer import guarded_routes, requires
from cdss_api.imaging.archive import Unavailable
from cdss_api.input import Input
from cdss_api.reading.asking import looking
from cdss_api.service import Service
from cdss_api.studies.encoding import Encoding
from cdss_api.studies.listing import Sought, listed, orthanc_of
from neuronova.contract.audit import Action
from neuronova.contract.roles import Permission
from neuronova.web.problems import Problem

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]


class StudiesQuery(Input):
    """Which studies, the newest first."""

    patient_id: Identifier | None = None
    accession: Identifier | None = None
    since: AwareDatetime | None = Field(default=None, description="Came at this time or later.")
    until: AwareDatetime | None = Field(default=None, description="Came before this time.")
    limit: int = Field(default=25, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=1_000_000)


class StudyPath(Input):
    """Which study, by the id of its ImagingStudy."""

    study_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,64}$")]


class Encoded(BaseModel):
    """What became of a study's instances; `reasons` counts those that were skipped or failed by why."""

    encoded: int
    skipped: int
    failed: int
    pending: int
    reasons: dict[str, int]
    bytes_before: int
    bytes_after: int


class StudyRow(BaseModel):
    """One study; `came` is in seconds since 1970."""

    id: str
    study: str
    patient_id: str
    issuer: str
    patient_name: str
    accession_number: str
    description: str
    date: str
    modalities: list[str]
    instances: int
    came: float
    held: bool = Field(description="Under legal hold, by itself or with its patient.")
    htj2k: Encoded | None = Field(description="None where the plugin does not tell.")


class StudiesAnswer(BaseModel):
    """A page of studies, and how many fit in all; of more, 1,000 are counted."""

    studies: list[StudyRow]
    total: int


class Noted(BaseModel):
    """How many instances are to be encoded that were not, or had failed."""

    noted: int


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("studies", "/api/v1/studies", tag="studies")
    guarded = requires(service, Permission.ARCHIVE_MANAGE)
    encoding = Encoding(service)

    @routes.get("", responses={"200": StudiesAnswer})
    @guarded
    def show(query: StudiesQuery) -> Response:
        """List stored studies with the state of their HTJ2K."""
        sought = Sought(
            patient_id=query.patient_id,
            accession=query.accession,
            since=_micros(query.since),
            until=_micros(query.until),
            limit=query.limit,
            offset=query.offset,
        )
        with looking(service) as asking:
            rows, total = listed(asking.seen.session, sought)
            asking.touched(Action.QUERY, None)
        named = {row["id"]: row.pop("orthanc") for row in rows}
        try:
            found = encoding.outcomes({row_id: encoding.instances(orthanc) for row_id, orthanc in named.items()})
        except Unavailable:
            found = {}
        return jsonify({"studies": [row | {"htj2k": found.get(row["id"]) or None} for row in rows], "total": total})

    @routes.post("/<study_id>/encode", responses={"200": Noted})
    @guarded
    def encode(path: StudyPath) -> Response:
        """Have what of a study is not encoded yet, or failed, encoded soon."""
        with looking(service) as asking:
            orthanc = orthanc_of(asking.seen.session, path.study_id)
        if orthanc is None:
            raise Problem(404, "no_such_study", "There is no such study.")
        try:
            return jsonify({"noted": encoding.encode(encoding.instances(orthanc))})
        except Unavailable:
            raise Problem(503, "archive_unavailable", "Orthanc does not answer; try again in a moment.") from None

    return routes


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1_000_000)
