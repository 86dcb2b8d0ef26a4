"""`/api/v1/internal/events`: what the plugin tells of Orthanc's studies, by the service key."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, jsonify, request

from cdss_api.accounts.internal import PREFIX
from cdss_api.accounts.recording import Actor
from cdss_api.consequences import writing
from cdss_api.fhir.outcome import Refused
from cdss_api.imaging.following import SERVICE, ensure_endpoint, take_in
from cdss_api.service import Service
from neuronova.contract.roles import Role
from neuronova.contract.studies import Event, StudyChanged, from_json
from neuronova.contract.trace import read_traceparent
from neuronova.telemetry.current import about
from neuronova.telemetry.spans import span
from neuronova.web.problems import Problem

log = logging.getLogger(__name__)

ACTOR = Actor(subject=SERVICE, role=Role.SERVICE)


def blueprint(service: Service) -> Blueprint:
    """Return the route."""
    routes = Blueprint("imaging", __name__, url_prefix=PREFIX)
    address = f"{service.settings.gateway_url}/dicom-web"

    @routes.post("/events")
    def events() -> Response:
        """Take events in, each in a transaction of its own; answer how many could not be."""
        try:
            told = from_json(request.get_json())
        except ValueError as odd:
            raise Problem(422, "invalid_input", str(odd)[:200]) from None
        refused = sum(not _is_taken_in(service, event, address) for event in told)
        return jsonify({"taken": len(told) - refused, "refused": refused})

    return routes


def _is_taken_in(service: Service, event: Event, address: str) -> bool:
    """Take one in; what the store does not take is logged and passed over, for it would stop all that follow it."""
    study, came = (event.orthanc, event.traceparent) if isinstance(event, StudyChanged) else (None, None)
    with about(study=study), span("record", parent=read_traceparent(came), study=study) as recording:
        try:
            with writing(service, ACTOR) as store:
                ensure_endpoint(store, address)
                take_in(store, event)
        except (Refused, ValueError) as odd:
            log.error("event %s of %s is passed over: %r", event.sequence, event.writer, odd)
            recording.fail(type(odd).__name__)
            return False
        return True
