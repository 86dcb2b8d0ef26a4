"""The application factory."""

from __future__ import annotations

from flask import Flask

from cdss_api import health, problems
from cdss_api.health.checks import standard_checks
from neuronova.contract.settings import Settings


def create_app(settings: Settings) -> Flask:
    """Make the service for `settings`."""
    app = Flask(__name__, static_folder=None)
    problems.install(app)
    app.register_blueprint(health.blueprint(standard_checks(settings)), url_prefix="/api/v1/health")
    return app
