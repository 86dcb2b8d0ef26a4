"""Pages for people: the login, the lists of the day, the report editor, the audit trail."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, jsonify, make_response, render_template, request, send_from_directory

from cdss_api.accounts.languages import Language
from cdss_api.console.languages import script_texts

STATIC = Path(__file__).with_name("static")
HOME = "/console/"  # leads to the page that a role begins with
_FRONT_DOOR = "/"
PAGES = (
    "audit",
    "forwarding",
    "jobs",
    "mismatches",
    "modalities",
    "notifications",
    "outbox",
    "overview",
    "patients",
    "prefetch",
    "reading",
    "report",
    "retention",
    "settings",
    "studies",
    "users",
    "worklist",
)  # each with a template of its name


def blueprint() -> Blueprint:
    """Return the routes; the pages ask the API as any client does."""
    routes = Blueprint("console", __name__, template_folder="templates", static_folder=None)

    @routes.get("/login")
    def login() -> Response:
        return make_response(render_template("login.html", next=local_path(request.args.get("next", ""))))

    @routes.get("/console/")
    def home() -> Response:
        return make_response(render_template("home.html"))

    @routes.get("/console/<path:rest>")
    def no_page(rest: str) -> Response:
        return make_response(render_template("no_page.html"), 404)

    @routes.get("/console/not-found")
    def not_found() -> Response:
        return make_response(render_template("not_found.html", study=request.args.get("study", "")[:64]))

    @routes.get(f"/console/<any({', '.join(PAGES)}):name>")
    def page(name: str) -> Response:
        return make_response(render_template(f"{name}.html"))

    @routes.get(f"/console/messages/<any({', '.join(Language)}):name>.json")
    def messages(name: str) -> Response:
        response = jsonify(script_texts(Language(name)))
        response.headers["Cache-Control"] = "no-cache"
        response.add_etag()
        response.make_conditional(request)
        return response

    @routes.get("/console/static/<name>")
    def static_file(name: str) -> Response:
        response = send_from_directory(STATIC, name)
        response.headers["Cache-Control"] = "no-cache"
        return response

    return routes


def local_path(text: str) -> str:
    """Return where to go after the login: a path of this origin; home where none, or only the front door, was asked."""
    printable = text.isprintable() and "\\" not in text and len(text) < 4096
    local = printable and text.startswith("/") and not text.startswith("//")
    return text if local and text != _FRONT_DOOR else HOME
