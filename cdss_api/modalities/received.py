"""How much modalities have stored today, asked of the plugin, which counts it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import requests

from cdss_api.accounts.service_tokens import token
from cdss_api.service import Service
from neuronova.contract.roles import Permission
from neuronova.contract.token import TOKEN_HEADER

_TIMEOUT = 2.0  # seconds: the table is shown without it rather than late


def received_by(service: Service) -> Callable[[], dict[str, int] | None]:
    """Return what tells the bytes of this day by AE title; None where Orthanc does not answer."""
    tokens = partial(token, service, "modalities", (Permission.PLATFORM_HEALTH,))

    def received() -> dict[str, int] | None:
        try:
            answer = requests.get(
                f"{service.settings.orthanc_url}/neuronova/health", headers={TOKEN_HEADER: tokens()}, timeout=_TIMEOUT
            )
            answer.raise_for_status()
            return {str(title): int(size) for title, size in answer.json()["received_today"].items()}
        except (requests.RequestException, ValueError, KeyError):
            return None

    return received
