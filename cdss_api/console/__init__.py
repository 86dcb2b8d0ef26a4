"""Pages for people: the login, the lists of the day, the report editor, the audit trail."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, make_response, render_template, request, send_from_directory

STATIC = Path(__file__).with_name("static")
STUDY_LIST = "/"


def blueprint() -> Blueprint:
    """Return the routes; the pages ask the API as any client does."""
    routes = Blueprint("console", __name__, template_folder="templates", static_folder=None)

    @routes.get("/login")
    def login() -> Response:
        return make_response(render_template("login.html", next=local_path(request.args.get("next", ""))))

    @routes.get("/console/not-found")
    def not_found() -> Response:
        return make_response(render_template("not_found.html", study=request.args.get("study", "")[:64]))

    @routes.get("/console/audit")
    def audit() -> Response:
        return make_response(render_template("audit.html"))

    @routes.get("/console/mismatches")
    def mismatches() -> Response:
        return make_response(render_template("mismatches.html"))

    @routes.get("/console/reading")
    def reading() -> Response:
        return make_response(render_template("reading.html"))

    @routes.get("/console/report")
    def report() -> Response:
        return make_response(render_template("report.html"))

    @routes.get("/console/worklist")
    def worklist() -> Response:
        return make_response(render_template("worklist.html"))

    @routes.get("/console/outbox")
    def outbox() -> Response:
        return make_response(render_template("outbox.html"))

    @routes.get("/console/static/<name>")
    def static_file(name: str) -> Response:
        response = send_from_directory(STATIC, name)
        response.headers["Cache-Control"] = "no-cache"
        return response

    return routes


def local_path(text: str) -> str:
    """Return where to go after the login: a path of this origin, or the study list."""
    printable = text.isprintable() and "\\" not in text and len(text) < 4096
    return text if printable and text.startswith("/") and not text.startswith("//") else STUDY_LIST
