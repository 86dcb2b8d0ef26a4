"""`/api/v1/retention`: what leaves soon and why, and what has left."""

from __future__ import annotations

import json

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.recording import Action
from cdss_api.holds.holding import keeps
from cdss_api.input import Input
from cdss_api.retention.departures import leaving_soon
from cdss_api.retention.models import LEGAL_HOLD, Departure, DueStudy, State
from cdss_api.service import Service
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Permission
from neuronova.web.problems import Problem


class RetentionQuery(Input):
    """A page."""

    limit: int = Field(default=100, ge=1, le=500)
    offset: int = Field(default=0, ge=0, le=1_000_000)


class DeparturePath(Input):
    """Which one."""

    number: int = Field(ge=1, le=2**53)


class DueEntry(BaseModel):
    """A study whose days are over, or will be within 7 days; times are seconds since 1970.

    `leaves_at` is null where it stays, and `kept` says why.
    """

    study: str
    patient_id: str
    issuer: str
    rule: str
    due_at: float
    leaves_at: float | None
    kept: str | None
    images: int
    bytes: int


class DueAnswer(BaseModel):
    """What leaves first comes first; `leaving` and `leaving_bytes` are of all that does not stay."""

    studies: list[DueEntry]
    total: int
    leaving: int
    leaving_bytes: int


class DepartureEntry(BaseModel):
    """A study that has left (`rule` is empty where none did it), or was about to and stayed."""

    number: int
    study: str
    patient_id: str
    issuer: str
    rule: str
    why: str
    state: State
    by: str
    began_at: float
    ended_at: float | None
    images: int
    bytes: int


class DeparturesAnswer(BaseModel):
    """The newest first."""

    departures: list[DepartureEntry]
    total: int


class StoredDigest(BaseModel):
    """A stored file that has left: its SOPInstanceUID and the MD5 of its bytes."""

    instance: str
    md5: str


class DigestsAnswer(BaseModel):
    """All of them."""

    digests: list[StoredDigest]


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("retention", "/api/v1/retention", tag="retention")
    guarded = requires(service, Permission.ARCHIVE_MANAGE)

    @routes.get("/due", responses={"200": DueAnswer})
    @guarded
    def due(query: RetentionQuery) -> Response:
        """List studies whose days are over or will be soon; who asked is recorded."""
        # A hold counts at once, before the next look.
        first = select(DueStudy, keeps(DueStudy)).order_by(
            DueStudy.kept.is_not(None), DueStudy.due_at, DueStudy.study_uid
        )
        with service.work(bearer().actor) as work:
            rows = list(work.session.execute(first.offset(query.offset).limit(query.limit)))
            total = work.session.scalar(select(func.count()).select_from(DueStudy)) or 0
            leaving, size = leaving_soon(work.session)
            answer = DueAnswer(studies=[_due(*one) for one in rows], total=total, leaving=leaving, leaving_bytes=size)
            work.record(Action.RETENTION_LIST, list="due", shown=str(len(rows)))
        return jsonify(answer.model_dump())

    @routes.get("/departures", responses={"200": DeparturesAnswer})
    @guarded
    def departures(query: RetentionQuery) -> Response:
        """List studies that have left; who asked is recorded."""
        newest = select(Departure).order_by(Departure.number.desc()).offset(query.offset).limit(query.limit)
        with service.work(bearer().actor) as work:
            rows = list(work.session.scalars(newest))
            total = work.session.scalar(select(func.count()).select_from(Departure)) or 0
            answer = DeparturesAnswer(departures=[_departure(one) for one in rows], total=total)
            work.record(Action.RETENTION_LIST, list="departures", shown=str(len(rows)))
        return jsonify(answer.model_dump(mode="json"))

    @routes.get("/departures/<int:number>/digests", responses={"200": DigestsAnswer})
    @guarded
    def digests(path: DeparturePath) -> Response:
        """List the files of a study that has left, with their digests; who asked is recorded."""
        with service.work(bearer().actor) as work:
            row = work.session.get(Departure, path.number)
            if row is None:
                raise Problem(404, "no_such_departure", "There is no such departure.")
            patient = Patient(row.patient_id, row.issuer)
            work.record(Action.RETENTION_LIST, patient=patient, study=row.study_uid, list="digests")
            found = [StoredDigest(instance=uid, md5=md5) for uid, md5 in json.loads(row.digests)]
        return jsonify(DigestsAnswer(digests=found).model_dump())

    return routes


def _due(row: DueStudy, held: bool) -> DueEntry:
    return DueEntry(
        study=row.study_uid,
        patient_id=row.patient_id,
        issuer=row.issuer,
        rule=row.rule,
        due_at=row.due_at,
        leaves_at=None if held else row.leaves_at,
        kept=LEGAL_HOLD if held else row.kept,
        images=row.images,
        bytes=row.bytes,
    )


def _departure(row: Departure) -> DepartureEntry:
    return DepartureEntry(
        number=row.number,
        study=row.study_uid,
        patient_id=row.patient_id,
        issuer=row.issuer,
        rule=row.rule,
        why=row.why,
        state=State(row.state),
        by=row.by,
        began_at=row.began_at,
        ended_at=row.ended_at,
        images=row.images,
        bytes=row.bytes,
    )
