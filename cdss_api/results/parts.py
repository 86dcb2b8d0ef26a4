"""What the worker's process, or a site's Celery, publishes results with."""

from __future__ import annotations

import logging
from functools import partial

from cdss_api.accounts.service_tokens import token
from cdss_api.imaging.archive import Archive
from cdss_api.imaging.stowing import Stowing
from cdss_api.results.publishing import SCOPES, Publisher
from cdss_api.results.removal import Removals
from cdss_api.service import Service
from neuronova.contract.roles import Permission


def publisher(service: Service) -> Publisher:
    """Return what publishes results."""
    logging.getLogger("highdicom").setLevel(logging.WARNING)  # it tells of each module that it copies
    stowing = Stowing(
        orthanc_url=service.settings.orthanc_url, token=partial(token, service, "ai", SCOPES), clock=service.now
    )
    return Publisher(service=service, stowing=stowing)


def removals(service: Service) -> Removals:
    """Return what removes withdrawn results from this machine's Orthanc."""

    def archive() -> Archive:
        return Archive(service.settings.orthanc_url, lambda: token(service, "results", (Permission.ARCHIVE_MANAGE,)))

    return Removals(database=service.database, archive=archive)
