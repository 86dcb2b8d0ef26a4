"""`/api/v1/imaging/merges`: how merges stand, and what is decided of them."""

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
from cdss_api.imaging.models import Correction
from cdss_api.imaging.progress import ProgressEntry, progress
from cdss_api.imaging.routes import CorrectionAnswer
from cdss_api.input import Input
from cdss_api.merging.deciding import Decision, decide
from cdss_api.merging.merging import OPEN, PART, State
from cdss_api.merging.models import Merge
from cdss_api.service import Service
from neuronova.contract.roles import Permission
from neuronova.web.problems import NOTHING, Problem


class MergesQuery(Input):
    """Which ones; without a state those that are not at their end."""

    state: State | None = None
    limit: int = Field(default=100, ge=1, le=500)


class MergePath(Input):
    """Which merge."""

    merge_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class MergeDecisionBody(Input):
    """`confirm`: it stays, and the originals are deleted. `undo`: record and studies are the source's again."""

    decision: Decision


class MergeEntry(BaseModel):
    """A merge; `source` and `target` are ids of Patients, times are in ISO 8601."""

    id: str
    source: str
    target: str
    state: State
    resources: int
    studies: list[str]
    made: str
    made_by: str
    decided: str | None
    decided_by: str | None
    correction: ProgressEntry | None


class MergesAnswer(BaseModel):
    """The newest first; `more` where there are others."""

    merges: list[MergeEntry]
    more: bool


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("imaging-merges", "/api/v1/imaging/merges", tag="imaging")
    guarded = requires(service, Permission.PATIENTS_MERGE)

    @routes.get("", responses={"200": MergesAnswer})
    @guarded
    def show(query: MergesQuery) -> Response:
        """List merges; who asked is recorded."""
        states = OPEN if query.state is None else (query.state,)
        rows = select(Merge).where(Merge.state.in_(states)).order_by(Merge.made.desc(), Merge.merge_id)
        with service.database.reading() as session:
            found = list(session.scalars(rows.limit(query.limit + 1)))
            begun = last_of(session, PART, [one.merge_id for one in found])
        shown = [entry(one, begun.get(one.merge_id)) for one in found[: query.limit]]
        _recorded(service, str(len(shown)))
        return jsonify(MergesAnswer(merges=shown, more=len(found) > query.limit).model_dump(mode="json"))

    @routes.get("/<merge_id>", responses={"200": MergeEntry})
    @guarded
    def show_one(path: MergePath) -> Response:
        """Show how a merge stands; who asked is recorded."""
        with service.database.reading() as session:
            row = session.get(Merge, path.merge_id)
            if row is None:
                raise Problem(404, "no_such_merge", "There is no such merge.")
            begun = last_of(session, PART, [path.merge_id])
        _recorded(service, "1")
        return jsonify(entry(row, begun.get(row.merge_id)).model_dump(mode="json"))

    @routes.post("/<merge_id>", responses=NOTHING | {"202": CorrectionAnswer})
    @guarded
    def decision(path: MergePath, body: MergeDecisionBody) -> Response:
        """Confirm or undo; where objects are to be put back, the worker does it after this has answered."""
        correction = decide(service, bearer().actor, path.merge_id, body.decision)
        if correction is None:
            return Response(status=204)
        answer = jsonify(CorrectionAnswer(correction=correction).model_dump())
        answer.status_code = 202
        return answer

    return routes


def entry(row: Merge, correction: Correction | None) -> MergeEntry:
    """Return a merge as the API shows it."""
    return MergeEntry(
        id=row.merge_id,
        source=row.source,
        target=row.target,
        state=State(row.state),
        resources=len(row.written),
        studies=sorted({one["study_uid"] for one in row.studies}),
        made=_instant(row.made),
        made_by=row.made_by,
        decided=None if row.decided is None else _instant(row.decided),
        decided_by=row.decided_by,
        correction=None if correction is None else progress(correction),
    )


def _recorded(service: Service, shown: str) -> None:
    recording.write(service.record, bearer().actor, recording.Action.MERGE_LIST, detail={"shown": shown})


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
