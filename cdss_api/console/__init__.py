"""Pages for people: the login, the lists of the day, the report editor, the audit trail."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from flask import Blueprint, Response, make_response, render_template, request, send_from_directory

STATIC = Path(__file__).with_name("static")
STUDY_LIST = "/"
PAGES = ("audit", "mismatches", "patients", "reading", "report", "worklist", "outbox")


def blueprint() -> Blueprint:
    """Return the routes; the pages ask the API as any client does."""
    routes = Blueprint("console", __name__, template_folder="templates", static_folder=None)

    @routes.get("/login")
    def login() -> Response:
        return make_response(render_template("login.html", next=local_path(request.args.get("next", ""))))

    @routes.get("/console/not-found")
    def not_found() -> Response:
        return make_response(render_template("not_found.html", study=request.args.get("study", "")[:64]))

    for page in PAGES:
        routes.add_url_rule(f"/console/{page}", page, partial(_page, page))

    @routes.get("/console/static/<name>")
    def static_file(name: str) -> Response:
        response = send_from_directory(STATIC, name)
        response.headers["Cache-Control"] = "no-cache"
        return response

    return routes


def _page(name: str) -> Response:
    return make_response(render_template(f"{name}.html"))


def local_path(text: str) -> str:
    """Return where to go after the login: a path of this origin, or the study list."""
    printable = text.isprintable() and "\\" not in text and len(text) < 4096
    return text if printable and text.startswith("/") and not text.startswith("//") else STUDY_LIST
