"""The application factory."""

from __future__ import annotations

from flask import Flask, Response, request
from flask_openapi3 import Info, OpenAPI
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import BadRequest

from cdss_api import console, health
from cdss_api.accounts import access_routes, auth, internal, links_routes, own, users_routes, well_known
from cdss_api.accounts.limits import Guesses
from cdss_api.audit import routes as audit_routes
from cdss_api.clients import routes as client_routes
from cdss_api.console import languages
from cdss_api.fhir import routes as fhir_routes
from cdss_api.forwarding import routes as forwarding_routes
from cdss_api.health.checks import DEADLINE, standard_checks
from cdss_api.health.side_by_side import SideBySide
from cdss_api.holds import routes as hold_routes
from cdss_api.imaging import events
from cdss_api.imaging import routes as imaging_routes
from cdss_api.inference import routes as inference_routes
from cdss_api.jobs import events as job_events
from cdss_api.jobs import routes as job_routes
from cdss_api.merging import routes as merging_routes
from cdss_api.metrics import routes as metrics_routes
from cdss_api.modalities import routes as modality_routes
from cdss_api.notifications import routes as notification_routes
from cdss_api.outbox import routes as outbox_routes
from cdss_api.overview import routes as overview_routes
from cdss_api.prefetch import routes as prefetch_routes
from cdss_api.reading import day_routes
from cdss_api.reading import routes as reading_routes
from cdss_api.results import routes as result_routes
from cdss_api.retention import routes as retention_routes
from cdss_api.service import Service
from cdss_api.settings import routes as settings_routes
from cdss_api.starting import plugin_key_file
from cdss_api.studies import routes as studies_routes
from cdss_api.without_database import without_database
from cdss_api.worklist import routes as worklist_routes
from neuronova.web import problems, tracing

_LARGEST_BODY = 1 << 20
_UNTOLD = ("/api/v1/internal/", "/api/v1/health", "/api/v1/metrics")  # what programs ask again and again is in no trace
_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "neuronova_session"},
}


def create_app(service: Service) -> Flask:
    """Make the application over a service that `starting.prepare` has made ready."""
    app = OpenAPI(
        __name__,
        info=Info(title="NeuroNova", version="1", description="Accounts, access and the state of the platform."),
        security_schemes=_SECURITY_SCHEMES,  # type: ignore[arg-type]
        responses=problems.ERRORS,
        # Each route describes 4XX itself; under any other name a second, wrong description would be added.
        validation_error_status="4XX",
        validation_error_callback=problems.invalid,
        doc_prefix="/api/v1",
        static_folder=None,
    )
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    tracing.install(app, lambda path: path.startswith(_UNTOLD))
    problems.install(app)
    app.register_error_handler(OperationalError, lambda error: problems.answer(without_database(error)))
    metrics = metrics_routes.blueprint(service, app)  # measures what the hooks below take, too
    guesses = Guesses(service.database, service.now)
    checks = SideBySide(standard_checks(service), DEADLINE)
    key = plugin_key_file(service.settings).read_text()
    app.before_request(lambda: internal.require_service_key(key))
    app.before_request(_refuse_malformed)
    app.after_request(_keep_nothing)
    for routes in (
        auth.blueprint(service, guesses),
        own.blueprint(service, guesses),
        client_routes.token_blueprint(service, guesses),
        client_routes.blueprint(service),
        well_known.blueprint(service),
        users_routes.blueprint(service),
        access_routes.blueprint(service),
        links_routes.blueprint(service),
        modality_routes.blueprint(service),
        forwarding_routes.blueprint(service),
        prefetch_routes.blueprint(service),
        settings_routes.blueprint(service),
        hold_routes.blueprint(service),
        retention_routes.blueprint(service),
        audit_routes.blueprint(service),
        imaging_routes.blueprint(service),
        merging_routes.blueprint(service),
        reading_routes.blueprint(service),
        day_routes.blueprint(service),
        outbox_routes.blueprint(service),
        notification_routes.blueprint(service),
        job_routes.blueprint(service),
        inference_routes.blueprint(service),
        result_routes.blueprint(service),
        health.blueprint(checks),
        overview_routes.blueprint(service, checks),
        studies_routes.blueprint(service),
        metrics,
    ):
        app.register_api(routes)
    app.register_blueprint(internal.blueprint(service))
    app.register_blueprint(worklist_routes.blueprint(service))
    app.register_blueprint(events.blueprint(service))
    app.register_blueprint(job_events.blueprint(service))
    app.register_blueprint(fhir_routes.blueprint(service))
    app.register_blueprint(console.blueprint())
    languages.install(app)
    problems.describe(app.components_schemas)
    return app


def _refuse_malformed() -> None:
    if request.path == inference_routes.PATH:  # passed on as it comes, and refused by who reads it
        return
    # The input's models are read leniently: what cannot be read counts as nothing, a text is read once more.
    if request.is_json and request.get_data() and isinstance(request.get_json(), str):
        raise BadRequest("The body is a JSON text where an object belongs.")


def _keep_nothing(response: Response) -> Response:
    # Tokens and patients' identities are in answers (RFC 6749 5.1); the interface's own files may be kept.
    response.headers.setdefault("Cache-Control", "no-store")
    return response
