"""`/api/v1/imaging/mismatches`: studies that do not fit their orders, and what is decided of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import select

from cdss_api.accounts import recording
from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.imaging.corrections import last_of
from cdss_api.imaging.deciding import PART, Decision, decide
from cdss_api.imaging.matching import differences
from cdss_api.imaging.mismatches import OPEN, State
from cdss_api.imaging.models import Correction, Mismatch
from cdss_api.imaging.progress import ProgressEntry, progress
from cdss_api.input import Input
from cdss_api.service import Service
from neuronova.contract.roles import Permission
from neuronova.web.problems import NOTHING

# Modalities write their own, so these differ in studies that fit, too.
_EXPECTED = ("StudyInstanceUID", "StudyDescription")


class MismatchesQuery(Input):
    """Which ones; without a state those that wait for a decision."""

    state: State | None = None
    limit: int = Field(default=100, ge=1, le=500)


class MismatchPath(Input):
    """Which mismatch."""

    mismatch_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class DecisionBody(Input):
    """`keep`: as it was sent, for no order. `correct`: the order's patient. `undo`: what it was before `correct`."""

    decision: Decision


class CorrectionAnswer(BaseModel):
    """The correction that was begun; the list of mismatches tells how it goes."""

    correction: str


class DifferenceEntry(BaseModel):
    """One attribute, by its DICOM keyword."""

    field: str
    ordered: str
    sent: str


class MismatchEntry(BaseModel):
    """A study and the order that it names; times in ISO 8601."""

    id: str
    study: str
    order: str
    reason: str
    state: State
    found: str
    decided: str | None
    decided_by: str | None
    differences: list[DifferenceEntry]
    ordered: dict[str, str]
    sent: dict[str, str]
    correction: ProgressEntry | None


class MismatchesAnswer(BaseModel):
    """The oldest first; `more` where there are others."""

    mismatches: list[MismatchEntry]
    more: bool


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("imaging-mismatches", "/api/v1/imaging/mismatches", tag="imaging")
    guarded = requires(service, Permission.IMAGING_MATCH)

    @routes.get("", responses={"200": MismatchesAnswer})
    @guarded
    def show(query: MismatchesQuery) -> Response:
        """List studies that do not fit the order they name; who asked is recorded."""
        states = OPEN if query.state is None else (query.state,)
        rows = select(Mismatch).where(Mismatch.state.in_(states)).order_by(Mismatch.found, Mismatch.mismatch_id)
        with service.database.reading() as session:
            held = list(session.scalars(rows.limit(query.limit + 1)))
            begun = last_of(session, PART, [one.mismatch_id for one in held])
            found = [entry(one, begun.get(one.mismatch_id)) for one in held]
        detail = {"shown": str(len(found[: query.limit]))}
        recording.write(service.record, bearer().actor, recording.Action.MISMATCH_LIST, detail=detail)
        answer = MismatchesAnswer(mismatches=found[: query.limit], more=len(found) > query.limit)
        return jsonify(answer.model_dump(mode="json"))

    @routes.post("/<mismatch_id>", responses=NOTHING | {"202": CorrectionAnswer})
    @guarded
    def decision(path: MismatchPath, body: DecisionBody) -> Response:
        """Decide; where objects are to be corrected, the worker does it after this has answered."""
        correction = decide(service, bearer().actor, path.mismatch_id, body.decision)
        if correction is None:
            return Response(status=204)
        answer = jsonify(CorrectionAnswer(correction=correction).model_dump())
        answer.status_code = 202
        return answer

    return routes


def entry(row: Mismatch, correction: Correction | None = None) -> MismatchEntry:
    """Return a mismatch as the API shows it."""
    differing = [one for one in differences(row.ordered, row.sent) if one.field not in _EXPECTED]
    return MismatchEntry(
        id=row.mismatch_id,
        study=row.study_uid,
        order=row.order_id,
        reason=row.reason,
        state=State(row.state),
        found=_instant(row.found),
        decided=None if row.decided is None else _instant(row.decided),
        decided_by=row.decided_by,
        differences=[DifferenceEntry(field=one.field, ordered=one.ordered, sent=one.sent) for one in differing],
        ordered=row.ordered,
        sent=row.sent,
        correction=None if correction is None else progress(correction),
    )


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
