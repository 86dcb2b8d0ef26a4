"""What the other parts tell of themselves: asked at their loopback ports, each by what it knows callers by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import requests

from cdss_api.accounts.service_tokens import token
from cdss_api.service import Service
from neuronova.contract.roles import Permission
from neuronova.contract.token import TOKEN_HEADER
from neuronova.web.problems import Problem

_TIMEOUT = (1.0, 6.0)  # seconds to connect, and of silence; Prometheus gives a scrape 10
LARGEST = 8 << 20  # bytes of one part's figures


class Part(StrEnum):
    """A part with figures of its own."""

    API = "api"
    ORTHANC = "orthanc"
    NOTIFICATIONS = "notifications"
    INFERENCE = "inference"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a part tells its figures, and what it is shown for it."""

    url: str
    credentials: Callable[[], Mapping[str, str]]


def sources_of(service: Service) -> dict[Part, Source]:
    """Return where every part but the API itself is asked."""
    settings = service.settings

    def ours() -> str:
        return token(service, "metrics", (Permission.PLATFORM_HEALTH,))

    def secret() -> Mapping[str, str]:
        return {"Authorization": f"Bearer {settings.inference_secret_file.read_text().strip()}"}

    return {
        Part.ORTHANC: Source(f"{settings.orthanc_url}/neuronova/metrics", lambda: {TOKEN_HEADER: ours()}),
        Part.NOTIFICATIONS: Source(
            f"http://127.0.0.1:{settings.notifications_port}/metrics", lambda: {"Authorization": f"Bearer {ours()}"}
        ),
        Part.INFERENCE: Source(f"{settings.inference_url}/metrics", secret),
    }


def fetch(part: Part, source: Source) -> bytes:
    """Return a part's figures as it tells them.

    Raises:
        Problem: 502, where it does not answer, not in time, not well, or too much: to Prometheus it is down.
    """
    try:
        with requests.get(
            source.url, headers=dict(source.credentials()), timeout=_TIMEOUT, allow_redirects=False, stream=True
        ) as answer:
            if answer.status_code != requests.codes.ok:
                raise Problem(502, "part_failed", f"{part.value} answers {answer.status_code}.")
            found = bytearray()
            for chunk in answer.iter_content(1 << 16):
                found += chunk
                if len(found) > LARGEST:
                    raise Problem(502, "part_failed", f"{part.value} answers too much.")
            return bytes(found)
    except (requests.RequestException, OSError):
        raise Problem(502, "part_down", f"{part.value} does not answer.") from None
