"""`/api/v1/reading` and `/api/v1/reports`: what waits for a report, and the reports."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint

from cdss_api.accounts.bearer import guarded_routes, requires
from cdss_api.fhir.interactions import version_of
from cdss_api.fhir.moment import instant, micros_of
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.store import Stored
from cdss_api.reading import reports
from cdss_api.reading.asking import Asking, changing, looking
from cdss_api.reading.listing import listed
from cdss_api.reading.people import practitioners_of
from cdss_api.reading.report import Content, KeyImage, Status, content_of, difference
from cdss_api.reading.shapes import (
    DifferenceAnswer,
    DifferenceQuery,
    ListAnswer,
    ListQuery,
    OpenedAnswer,
    ReportBody,
    ReportShown,
    StudyPath,
    VersionsAnswer,
)
from cdss_api.reading.study import body_parts_of, modalities_of, order_shown, person
from cdss_api.reading.waiting import Wanted
from cdss_api.reading.wording import codes, filled, fitting, templates
from cdss_api.service import Service
from neuronova.contract.audit import Action
from neuronova.contract.roles import Permission
from neuronova.web.problems import Problem

_STATUSES = {
    "draft": Status.DRAFT,
    "preliminary": Status.PRELIMINARY,
    "final": Status.FINAL,
    "amended": Status.AMENDED,
}


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("reading", "/api/v1", tag="reading")
    _list_routes(routes, service)
    _report_routes(routes, service)
    return routes


def _list_routes(routes: APIBlueprint, service: Service) -> None:
    @routes.get("/reading", responses={"200": ListAnswer})
    @requires(service, Permission.RECORDS_READ)
    def reading(query: ListQuery) -> Response:
        """List the studies that wait for a signed report: stat first, and of each priority the oldest first."""
        with looking(service) as asking:
            found = listed(asking.seen.session, asking.seen.compartments, _wanted(asking, query))
            asking.touched(Action.QUERY, None)
        now = instant(micros_of(asking.now))
        return jsonify({"studies": list(found.rows), "total": found.total, "now": now})


def _report_routes(routes: APIBlueprint, service: Service) -> None:
    reads, writes = requires(service, Permission.RECORDS_READ), requires(service, Permission.REPORTS_WRITE)

    @routes.get("/reports/<study>", responses={"200": OpenedAnswer})
    @reads
    def open_report(path: StudyPath) -> Response:
        """Answer a study's report with what its editor needs: patient, order, templates, codes, prior reports."""
        with looking(service) as asking:
            opened = reports.opened(asking.seen, path.study)
            answer = _opened(asking, opened, path.study)
            asking.touched(Action.READ, opened.report or opened.stored)
        return _told(answer, opened.report)

    @routes.put("/reports/<study>", responses={"200": ReportShown})
    @writes
    def save_report(path: StudyPath, body: ReportBody) -> Response:
        """Save the next version; `If-Match` names the one that it was made from, and is left out for the first."""
        expected = version_of_header()
        with changing(service) as asking:
            opened = reports.opened(asking.seen, path.study)
            who = (asking.bearer.claims.subject, asking.bearer.claims.role)
            saved = reports.save(asking.writer, opened, path.study, _content(body), expected, who)
            asking.touched(Action.STORE, saved)
        return _told(content_of(saved.document()), saved)

    @routes.get("/reports/<study>/versions", responses={"200": VersionsAnswer})
    @reads
    def versions(path: StudyPath) -> Response:
        """List all versions of a study's report, the newest first, with who wrote them and when."""
        with looking(service) as asking:
            report = _report(asking, path.study)
            found = reports.versions(asking.seen, report)
            asking.touched(Action.READ, report)
        return jsonify({"versions": found})

    @routes.get("/reports/<study>/difference", responses={"200": DifferenceAnswer})
    @reads
    def compared(path: StudyPath, query: DifferenceQuery) -> Response:
        """Compare the texts of two versions word by word."""
        with looking(service) as asking:
            report = _report(asking, path.study)
            texts = [
                str(asking.seen.vread(report.kind, report.id, str(one)).document().get("conclusion", ""))
                for one in (query.before, query.after)
            ]
            asking.touched(Action.READ, report)
        return jsonify({"runs": difference(*texts)})


def version_of_header() -> int | None:
    """Return the version that If-Match names; raises Problem for what names none."""
    given = request.headers.get("If-Match")
    if given is None:
        return None
    try:
        found = version_of(given)
    except Refused:
        found = None
    if found is None:  # `*` too: whoever saves says what they have seen
        raise Problem(400, "value", 'If-Match names a version like W/"3".')
    return found


def _wanted(asking: Asking, query: ListQuery) -> Wanted:
    reader = practitioners_of(asking.seen, asking.bearer.claims.subject) if query.mine else []
    return Wanted(
        modality=query.modality,
        priority=query.priority,
        progress=query.progress,
        text=query.text,
        since=None if query.since is None else micros_of(query.since.timestamp()),
        mine=query.mine,
        reader=frozenset(reader),
        tells_findings=Permission.JOBS_READ in asking.bearer.claims.permissions,
        limit=query.limit,
        offset=query.offset,
    )


def _report(asking: Asking, study: str) -> Stored:
    report = reports.opened(asking.seen, study).report
    if report is None:
        raise Problem(404, "not-found", "There is no report of this study, or you may not see it.")
    return report


def _opened(asking: Asking, opened: reports.Opened, uid: str) -> dict[str, Any]:
    orders = [order_shown(one) for one in opened.around.orders_of(opened.study)]
    patient, modalities = person(opened.patient), modalities_of(opened.study)
    started = str(opened.study.get("started", ""))
    values = {f"patient_{name}" if name == "name" else name: value for name, value in patient.items()}
    indication = next((one["indication"] for one in orders if one["indication"]), "")
    values |= {"indication": indication, "study_date": started[:10], "description": opened.description}
    words = " ".join((opened.description, *body_parts_of(opened.study)))
    report = None if opened.report is None else opened.report.document()
    return {
        "study": uid,
        "description": opened.description,
        "started": started,
        "modalities": modalities,
        "patient": patient,
        "orders": orders,
        "report": None if report is None else content_of(report),
        "readers": [] if report is None else reports.readers(asking.seen, [report])[report["id"]],
        "may_write": Permission.REPORTS_WRITE in asking.bearer.claims.permissions,
        "priors": reports.priors(asking.seen, opened),
        "templates": [filled(one, values) for one in fitting(modalities, words, templates())],
        "codes": [{"system": one.system, "code": one.code, "display": one.display} for one in codes()],
    }


def _content(body: ReportBody) -> Content:
    return Content(
        status=_STATUSES[body.status],
        conclusion=body.conclusion,
        codes=[one.model_dump() for one in body.codes],
        key_images=[KeyImage(**one.model_dump()) for one in body.key_images],
    )


def _told(answer: dict[str, Any], report: Stored | None) -> Response:
    response = jsonify(answer)
    if report is not None:
        response.headers["ETag"] = report.etag
    return response
