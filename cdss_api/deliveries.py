"""What the platform itself delivers, on whichever machine a worker runs: by the first word of the target's name."""

from __future__ import annotations

from cdss_api.fhir.hooks import RestHooks
from cdss_api.jobs.admission import TARGET as JOBS
from cdss_api.jobs.parts import job_delivery
from cdss_api.notifications.email_delivery import EmailDelivery
from cdss_api.notifications.hook_delivery import HookDelivery
from cdss_api.outbox.delivery import Deliver
from cdss_api.results.parts import publisher
from cdss_api.service import Service


def everywhere(service: Service) -> dict[str, Deliver]:
    """Return the deliveries that need nothing of one machine but its keys."""
    return {
        "subscription": RestHooks(service),
        "notification": HookDelivery(service),
        "email": EmailDelivery(service),
        JOBS: job_delivery(service, publisher(service)),
    }
