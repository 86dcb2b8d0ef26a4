"""The state of every part: `/api/v1/health` tells it, `/api/v1/health/ready` fails unless all is well."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify

from cdss_api.health.checks import Check, look_at


def blueprint(checks: Mapping[str, Check]) -> Blueprint:
    """Return the routes that run `checks`."""
    routes = Blueprint("health", __name__)

    @routes.get("")
    def health() -> Response:
        return jsonify(look_at(checks))

    @routes.get("/ready")
    def ready() -> tuple[Response, int]:
        report = look_at(checks)
        return jsonify(report), 200 if report["status"] == "ok" else 503

    return routes
