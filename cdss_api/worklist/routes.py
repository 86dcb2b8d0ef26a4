"""`/api/v1/internal/worklist`: for the plugin on the same machine, by the service key."""

from __future__ import annotations

import re
import time

from flask import Blueprint, Response, jsonify, request

from cdss_api.accounts.internal import LONGEST_WAIT, PREFIX, number
from cdss_api.service import Service
from cdss_api.worklist.following import Worklist
from neuronova.contract.worklist import Update, to_json
from neuronova.web.problems import Problem

_VERSION = re.compile("[0-9a-f]{0,32}")


def blueprint(service: Service) -> Blueprint:
    """Return the route."""
    routes = Blueprint("worklist", __name__, url_prefix=PREFIX)
    worklist = Worklist(service.database)

    @routes.get("/worklist")
    def entries() -> Response:
        """Answer the worklist once it is not of version `since`, at the latest after `wait` seconds."""
        since = request.args.get("since", "")
        if not _VERSION.fullmatch(since):
            raise Problem(422, "invalid_input", "since is a version that was answered before.")
        wait = number("wait", 0, LONGEST_WAIT)
        return jsonify(to_json(_wait_for_change(service, worklist, since, wait)))

    return routes


def _wait_for_change(service: Service, worklist: Worklist, since: str, wait: float) -> Update:
    deadline = time.monotonic() + wait
    pause = worklist.pause if since == worklist.version else 0.0
    while not service.stopping.wait(min(pause, max(0.0, deadline - time.monotonic()))):
        update = worklist.update(since)
        if update.full or time.monotonic() >= deadline:
            return update
        pause = worklist.pause
    return Update(version=since, full=False, entries=())
