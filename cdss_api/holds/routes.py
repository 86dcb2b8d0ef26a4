"""`/api/v1/holds`: what is held, since when, by whom and why."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.models import Account
from cdss_api.accounts.recording import Action
from cdss_api.accounts.shapes import Issuer, PatientId, Reason, StudyUid
from cdss_api.holds import holding
from cdss_api.holds.models import Hold
from cdss_api.input import Input
from cdss_api.service import Service
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Permission


class Standing(StrEnum):
    """Whether a hold is in force."""

    HELD = "held"
    LIFTED = "lifted"


class HoldsQuery(Input):
    """Which ones."""

    state: Standing = Standing.HELD
    limit: int = Field(default=100, ge=1, le=500)
    offset: int = Field(default=0, ge=0, le=1_000_000)


class HoldBody(Input):
    """What to hold, a study or all of a patient's, and why."""

    study: StudyUid | None = None
    patient_id: PatientId | None = None
    issuer: Issuer = ""
    reason: Reason

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.study is None) == (self.patient_id is None):
            raise ValueError("name a study or a patient_id")
        return self


class LiftBody(Input):
    """Why it is lifted."""

    reason: Reason


class HoldPath(Input):
    """Which hold."""

    number: int = Field(ge=1, le=2**53)


class HoldEntry(BaseModel):
    """A hold; `study` is null where it holds all of a patient's. Times are seconds since 1970."""

    number: int
    study: str | None
    patient_id: str
    issuer: str
    reason: str
    placed_at: float
    placed_by: str
    lifted_at: float | None
    lifted_by: str | None
    lifted_reason: str | None


class HoldsAnswer(BaseModel):
    """The newest first; `more` where there are others."""

    holds: list[HoldEntry]
    more: bool


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("holds", "/api/v1/holds", tag="retention")
    guarded = requires(service, Permission.HOLDS_MANAGE)

    @routes.get("", responses={"200": HoldsAnswer})
    @guarded
    def show(query: HoldsQuery) -> Response:
        """List holds; who asked is recorded."""
        lifted = Hold.lifted_at.is_not(None) if query.state is Standing.LIFTED else Hold.lifted_at.is_(None)
        rows = select(Hold).where(lifted).order_by(Hold.number.desc()).offset(query.offset).limit(query.limit + 1)
        with service.work(bearer().actor) as work:
            found = list(work.session.scalars(rows))
            shown = [entry(work.session, one) for one in found[: query.limit]]
            work.record(Action.HOLD_LIST, shown=str(len(shown)))
        return jsonify(HoldsAnswer(holds=shown, more=len(found) > query.limit).model_dump())

    @routes.post("", responses={"201": HoldEntry})
    @guarded
    def place(body: HoldBody) -> tuple[Response, int]:
        """Hold a study, or all studies of a patient; Orthanc knows within a second."""
        with service.work(bearer().actor) as work:
            if body.study is not None:
                row = holding.place_on_study(work, body.study, body.reason)
            else:
                row = holding.place_on_patient(work, Patient(body.patient_id or "", body.issuer), body.reason)
            return jsonify(entry(work.session, row).model_dump()), 201

    @routes.post("/<int:number>/lift", responses={"200": HoldEntry})
    @guarded
    def lift(path: HoldPath, body: LiftBody) -> Response:
        """Lift a hold that somebody else placed."""
        with service.work(bearer().actor) as work:
            row = holding.lift(work, path.number, body.reason)
            return jsonify(entry(work.session, row).model_dump())

    return routes


def entry(session: Session, row: Hold) -> HoldEntry:
    """Return a hold as the API shows it, with the names of people."""
    return HoldEntry(
        number=row.number,
        study=row.study_uid,
        patient_id=row.patient_id,
        issuer=row.issuer,
        reason=row.reason,
        placed_at=row.placed_at,
        placed_by=_name(session, row.placed_by) or row.placed_by,
        lifted_at=row.lifted_at,
        lifted_by=_name(session, row.lifted_by),
        lifted_reason=row.lifted_reason,
    )


def _name(session: Session, subject: str | None) -> str | None:
    if subject is None:
        return None
    account = session.get(Account, subject)
    return subject if account is None else account.username
