"""`/api/v1/results`: what models found, and what radiologists say of it."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint

from cdss_api.accounts import recording
from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.jobs.asking import seen_by_asker
from cdss_api.reading.asking import changing
from cdss_api.results.judging import judge
from cdss_api.results.listing import Wanted, found, judges, listed
from cdss_api.results.resources import Standing
from cdss_api.results.shapes import ResultPath, ResultsAnswer, ResultShown, ResultsQuery, VerdictBody, shown
from cdss_api.service import Service
from neuronova.contract.audit import Action
from neuronova.contract.roles import Permission
from neuronova.web.problems import Problem


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("results", "/api/v1/results", tag="results")

    @routes.get("", responses={"200": ResultsAnswer})
    @requires(service, Permission.JOBS_READ)
    def list_results(query: ResultsQuery) -> Response:
        """List the results of patients that one may see, the newest first."""
        wanted = Wanted(**(query.model_dump() | {"count": query.count + 1}))
        with service.work(bearer().actor) as work:
            rows = listed(work.session, seen_by_asker(service), wanted)
            work.record(recording.Action.RESULT_LIST, count=str(len(rows)), study=query.study or "")
            names = judges(work.session, rows)
            entries = [shown(one, names) for one in rows[: query.count]]
        return jsonify(ResultsAnswer(results=entries, more=len(rows) > query.count).model_dump(mode="json"))

    @routes.post("/<job_key>/verdict", responses={"200": ResultShown})
    @requires(service, Permission.REPORTS_WRITE)
    def give_verdict(path: ResultPath, body: VerdictBody) -> Response:
        """Accept a result, or reject it with a reason; a later verdict stands in place of an earlier one."""
        with changing(service) as asking:
            row = found(asking.writer.session, seen_by_asker(service), path.job_key)
            if row is None:
                raise Problem(404, "not_found", "There is no such result.")
            report = judge(asking.writer, row, Standing(body.verdict), body.reason, bearer().claims.subject, asking.now)
            asking.touched(Action.STORE, report)
            answer = shown(row, judges(asking.writer.session, [row]))
        return jsonify(answer.model_dump(mode="json"))

    return routes
