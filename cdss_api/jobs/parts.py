"""What the worker's process, or a site's Celery, does jobs with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cdss_api.accounts.service_tokens import token
from cdss_api.jobs.delivery import JobDelivery, Publish
from cdss_api.jobs.record import JobRecord
from cdss_api.jobs.service_client import ServiceClient
from cdss_api.jobs.tending import Tender
from cdss_api.service import Service
from neuronova.contract.roles import Permission

_SCOPES = (Permission.IMAGES_QUERY, Permission.IMAGES_READ)


def job_delivery(service: Service, publish: Publish) -> JobDelivery:
    """Return what delivers to the inference service; `publish` gets what models found."""
    return JobDelivery(
        record=_record(service),
        client=partial(_client, service),
        token=lambda study: token(service, "inference", _SCOPES, study),
        dicomweb_root=service.settings.dicomweb_root,
        data=service.settings.data,
        clock=service.now,
        publish=publish,
    )


def tender(service: Service, also: Callable[[], int]) -> Tender:
    """Return what looks after jobs; `also` is done each time."""
    return Tender(_record(service), partial(_client, service), service.now, also)


def _record(service: Service) -> JobRecord:
    return JobRecord(service.database, service.now, service.settings.ai_in_flight)


def _client(service: Service) -> ServiceClient:
    return ServiceClient(service.settings.inference_url, service.settings.inference_secret_file)
