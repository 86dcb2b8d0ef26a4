"""`/api/v1/.well-known/jwks.json`: the keys by which anybody can verify our tokens."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from flask_openapi3.models import Tag

from cdss_api.accounts.shapes import KeysAnswer
from cdss_api.service import Service
from neuronova.web.problems import ERRORS


def blueprint(service: Service) -> APIBlueprint:
    """Return the route."""
    routes = APIBlueprint("well_known", __name__, url_prefix="/api/v1/.well-known", abp_responses=ERRORS)

    @routes.get("/jwks.json", responses={"200": KeysAnswer}, tags=[Tag(name="auth")])
    def jwks() -> Response:
        """Answer the public keys as a JWK Set (RFC 7517 5)."""
        with service.database.reading() as session:
            return jsonify(service.keyring.jwks(session, service.now()))

    return routes
