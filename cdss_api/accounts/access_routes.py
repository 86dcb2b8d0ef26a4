"""`/api/v1/users/../grants` and `/api/v1/access`: who may see whom, and who broke the glass."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from sqlalchemy import select

from cdss_api.accounts import grants
from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.holdings import patients_of
from cdss_api.accounts.models import Grant
from cdss_api.accounts.shapes_access import (
    BreakGlassBody,
    GrantEntry,
    GrantQuery,
    GrantsAnswer,
    GrantsQuery,
    StudyBreakGlassBody,
    StudyPath,
    grant_entry,
)
from cdss_api.accounts.shapes_people import PatientBody, UserPath
from cdss_api.accounts.users_routes import account_of
from cdss_api.notifications.emergencies import break_glass
from cdss_api.service import Service
from neuronova.contract.grants import Ground, Patient
from neuronova.contract.roles import Permission
from neuronova.web.problems import NOTHING, Problem


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("access", "/api/v1", tag="access")
    _manage(routes, service)
    _break_glass(routes, service)
    return routes


def _manage(routes: APIBlueprint, service: Service) -> None:
    guarded = requires(service, Permission.GRANTS_MANAGE)

    @routes.get("/users/<account_id>/grants", responses={"200": GrantsAnswer})
    @guarded
    def show(path: UserPath, query: GrantsQuery) -> Response:
        """List whom an account may see now, and why."""
        holding = Grant.until.is_(None) | (Grant.until > service.now())
        rows = select(Grant).where(Grant.account_id == path.account_id, holding)
        page = rows.order_by(Grant.patient_id, Grant.issuer, Grant.ground).offset(query.offset).limit(query.limit)
        with service.database.reading() as session:
            account_of(session, path.account_id)
            answer = GrantsAnswer(grants=[grant_entry(grant) for grant in session.scalars(page)])
        return jsonify(answer.model_dump(mode="json"))

    @routes.post("/users/<account_id>/grants", responses={"201": GrantEntry})
    @guarded
    def give(path: UserPath, body: PatientBody) -> tuple[Response, int]:
        """Let an account see a patient, as one of the care team."""
        with service.work(bearer().actor) as work:
            grant = grants.give(work, account_of(work.session, path.account_id), body.patient())
            return jsonify(grant_entry(grant).model_dump(mode="json")), 201

    @routes.delete("/users/<account_id>/grants", responses=NOTHING)
    @guarded
    def take(path: UserPath, query: GrantQuery) -> Response:
        """End it: what was granted for the care team or by breaking the glass."""
        patient = Patient(query.patient_id, query.issuer)
        with service.work(bearer().actor) as work:
            account = account_of(work.session, path.account_id)
            taken = [grants.take(work, account, patient, ground) for ground in (Ground.CARE_TEAM, Ground.BREAK_GLASS)]
            if not any(taken):
                raise Problem(404, "no_such_grant", "There is no such grant.")
        return Response(status=204)


def _break_glass(routes: APIBlueprint, service: Service) -> None:
    @routes.post("/access/break-glass", responses={"201": GrantEntry})
    @requires(service, Permission.BREAK_GLASS)
    def open_patient(body: BreakGlassBody) -> tuple[Response, int]:
        """Open a patient for a bounded time, with a reason that others will read."""
        until = service.now() + service.settings.break_glass_minutes * 60
        with service.work(bearer().actor) as work:
            account = account_of(work.session, bearer().claims.subject)
            grant = break_glass(work, account, body.patient(), until=until, reason=body.reason)
            return jsonify(grant_entry(grant).model_dump(mode="json")), 201

    @routes.post("/access/studies/<study>/break-glass", responses={"201": GrantsAnswer})
    @requires(service, Permission.BREAK_GLASS)
    def open_study(path: StudyPath, body: StudyBreakGlassBody) -> tuple[Response, int]:
        """Open the patient of a study, known by its number alone, for a bounded time and with a reason."""
        patients = patients_of(service, path.study)
        if not patients:
            raise Problem(404, "no_such_study", "There is no such study.")
        until = service.now() + service.settings.break_glass_minutes * 60
        with service.work(bearer().actor) as work:
            account = account_of(work.session, bearer().claims.subject)
            given = [
                break_glass(work, account, patient, until=until, reason=body.reason, study=path.study)
                for patient in patients
            ]
            answer = GrantsAnswer(grants=[grant_entry(grant) for grant in given])
            return jsonify(answer.model_dump(mode="json")), 201

    @routes.get("/access/break-glass", responses={"200": GrantsAnswer})
    @requires(service, Permission.AUDIT_READ)
    def broken(query: GrantsQuery) -> Response:
        """List for whom the glass is broken now, the newest first."""
        rows = select(Grant).where(Grant.ground == Ground.BREAK_GLASS, Grant.until > service.now())
        page = rows.order_by(Grant.granted_at.desc(), Grant.grant_id).offset(query.offset).limit(query.limit)
        with service.database.reading() as session:
            answer = GrantsAnswer(grants=[grant_entry(grant) for grant in session.scalars(page)])
        return jsonify(answer.model_dump(mode="json"))
