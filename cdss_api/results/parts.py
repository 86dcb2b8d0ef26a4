"""What the worker's process, or a site's Celery, publishes results with."""

from __future__ import annotations

from functools import partial

from cdss_api.accounts.service_tokens import token
from cdss_api.imaging.stowing import Stowing
from cdss_api.results.publishing import SCOPES, Publisher
from cdss_api.service import Service


def publisher(service: Service) -> Publisher:
    """Return what publishes results."""
    stowing = Stowing(
        orthanc_url=service.settings.orthanc_url, token=partial(token, service, "ai", SCOPES), clock=service.now
    )
    return Publisher(service=service, stowing=stowing)
