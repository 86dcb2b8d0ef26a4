"""`/api/v1/internal`: for the plugin on the same machine, by the service key."""

from __future__ import annotations

import hmac
import time

from flask import Blueprint, Response, jsonify, request

from cdss_api.accounts.changes import current_version, read_update
from cdss_api.service import Service
from neuronova.contract.grants import to_json
from neuronova.web.problems import Problem

PREFIX = "/api/v1/internal"
KEY_HEADER = "X-Neuronova-Service-Key"
LONGEST_WAIT = 25.0  # seconds; proxies and clients give up at 30
_LOOK_EVERY = 0.1  # seconds; another process may have made the change, so there is nothing to wake up by


def require_service_key(key: str) -> None:
    """Refuse whatever is below the prefix, known or not, without the key; run before each request."""
    if request.path.startswith(PREFIX):
        given = request.headers.get(KEY_HEADER, "")
        if not hmac.compare_digest(given.encode(), key.encode()):
            raise Problem(403, "service_key_required", "This is for the platform's own parts.")


def blueprint(service: Service) -> Blueprint:
    """Return the routes."""
    routes = Blueprint("internal", __name__, url_prefix=PREFIX)

    @routes.get("/grants")
    def grants() -> Response:
        """Answer what changed since a version, at the latest after `wait` seconds."""
        since = number("since", 0, 2**53)
        _wait_for_change(service, int(since), number("wait", 0, LONGEST_WAIT))
        with service.database.reading() as session:
            update = read_update(session, int(since), service.now())
        return jsonify(to_json(update))

    return routes


def _wait_for_change(service: Service, since: int, wait: float) -> None:
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        with service.database.reading() as session:
            if current_version(session) != since:
                return
        if service.stopping.wait(_LOOK_EVERY):
            return


def number(name: str, least: float, most: float) -> float:
    """Return a number of the query, 0 without one; raises Problem where it is none or out of range."""
    text = request.args.get(name, "0")
    try:
        value = float(text) if len(text) < 20 else -1.0
    except ValueError:
        value = -1.0
    if not least <= value <= most:  # not a number compares with nothing
        raise Problem(422, "invalid_input", f"{name} is a number from {least:g} to {most:g}.")
    return value
