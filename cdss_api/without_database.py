"""What a client is told where the database did not do what was asked."""

from __future__ import annotations

import logging

from sqlalchemy.exc import OperationalError

from neuronova.trying import met_another
from neuronova.web.problems import Problem

log = logging.getLogger(__name__)


def without_database(error: OperationalError) -> Problem:
    """Return the problem: others wrote the same, so that nothing was changed, or it does not answer."""
    if met_another(error):
        log.warning("a request met others in the database, and is left to who asked: %s", type(error.orig).__name__)
        detail = "Others are changing the same at this moment, and nothing was changed; try again."
        return Problem(503, "database_busy", detail, {"Retry-After": "1"})
    log.error("the database does not answer: %s", type(error).__name__)
    detail = "The database does not answer; try again in a few seconds."
    return Problem(503, "database_unavailable", detail, {"Retry-After": "5"})
