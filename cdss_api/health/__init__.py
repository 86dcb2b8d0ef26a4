"""The state of every part: `/api/v1/health` tells it, `/api/v1/health/ready` fails unless all is well."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from flask_openapi3.models import Tag
from pydantic import BaseModel

from cdss_api.health.checks import look_at
from cdss_api.health.side_by_side import SideBySide
from neuronova.web.problems import ERRORS


class HealthAnswer(BaseModel):
    """The state of the whole, and of each part."""

    status: str
    parts: dict[str, dict[str, Any]]


def blueprint(checks: SideBySide[dict[str, Any]]) -> APIBlueprint:
    """Return the routes that run `checks`."""
    routes = APIBlueprint(
        "health", __name__, url_prefix="/api/v1/health", abp_tags=[Tag(name="health")], abp_responses=ERRORS
    )

    @routes.get("", responses={"200": HealthAnswer})
    def health() -> Response:
        """Tell the state of every part."""
        return jsonify(look_at(checks))

    @routes.get("/ready", responses={"200": HealthAnswer, "503": HealthAnswer})
    def ready() -> tuple[Response, int]:
        """Fail unless every part is well."""
        report = look_at(checks)
        return jsonify(report), 200 if report["status"] == "ok" else 503

    return routes
