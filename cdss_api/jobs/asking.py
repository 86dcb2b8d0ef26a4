"""Who asks for jobs, or for what came of them."""

from __future__ import annotations

from cdss_api.accounts.bearer import bearer
from cdss_api.jobs.listing import Seen
from cdss_api.service import Service


def seen_by_asker(service: Service) -> Seen:
    """Return whose sight this request is answered for."""
    claims = bearer().claims
    return Seen(account=claims.subject, role=claims.role, now=service.now())
