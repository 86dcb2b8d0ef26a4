"""`/api/v1/internal/series`: what the plugin's rules say of stored series, by the service key."""

from __future__ import annotations

import logging
from dataclasses import replace

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import DataError, IntegrityError

from cdss_api.accounts.internal import PREFIX
from cdss_api.accounts.recording import Actor
from cdss_api.forwarding import requesting
from cdss_api.jobs.taking_in import take_in
from cdss_api.prefetch.models import is_prior
from cdss_api.service import Service
from neuronova.contract.ai.judged import SeriesJudged, from_json
from neuronova.contract.roles import Role
from neuronova.contract.trace import read_traceparent
from neuronova.telemetry.current import about, within
from neuronova.web.problems import Problem

_PLUGIN = Actor(subject="service:rules", role=Role.SERVICE)
log = logging.getLogger(__name__)


def blueprint(service: Service) -> Blueprint:
    """Return the route."""
    routes = Blueprint("jobs_events", __name__, url_prefix=PREFIX)

    @routes.post("/series")
    def series() -> Response:
        """Take series in, each in a transaction of its own; answer how many were, and how many could not be."""
        try:
            told = from_json(request.get_json())
        except ValueError as odd:
            raise Problem(422, "invalid_input", str(odd)[:200]) from None
        refused = sum(not _is_taken_in(service, one) for one in told)
        return jsonify({"taken": len(told) - refused, "refused": refused})

    return routes


def _is_taken_in(service: Service, judged: SeriesJudged) -> bool:
    """Take one in; what no table can hold is logged and passed over, for it would stop all that follow it."""
    with within(read_traceparent(judged.traceparent)), about(series=judged.orthanc):
        try:
            with service.work(_PLUGIN) as work:
                if is_prior(work.session, judged.study):  # rules for new images do not mean it
                    judged = replace(judged, asked=(), sent=())
                if take_in(work.session, judged, work.now, service.settings.ai_in_flight):
                    requesting.take_in(work, judged)
        except (DataError, IntegrityError) as odd:
            log.error("series %s of %s is passed over (%s)", judged.sequence, judged.writer, type(odd).__name__)
            return False
        return True
