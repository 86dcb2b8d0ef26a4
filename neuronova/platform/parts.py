"""The parts of the platform and how each is asked whether it is there."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from neuronova.contract.orthancs import name_of
from neuronova.contract.settings import Settings

_TIMEOUT = 2.0
_PATIENCE = 10.0  # with a report that asks every other part


@dataclass(frozen=True)
class Part:
    """Something that has to answer before the platform is up."""

    name: str
    program: str
    answers: Callable[[], bool]


def parts_of(settings: Settings) -> tuple[Part, ...]:
    """Return the parts in the order in which they come up."""
    gateway = local_url(settings)
    return (
        Part("orthanc", "orthanc", partial(answers_http, f"{settings.orthanc_url}/neuronova/health")),
        Part("dicom", "orthanc", partial(answers_tcp, "127.0.0.1", settings.dicom_port)),
        *(
            Part(
                name_of(number),
                name_of(number),
                partial(answers_http, f"http://127.0.0.1:{doors.http}/neuronova/health"),
            )
            for number, doors in enumerate(settings.more_orthancs, start=2)
        ),
        Part("api", "api", partial(answers_http, f"http://127.0.0.1:{settings.api_port}/api/v1/health")),
        Part("mpps", "api", partial(answers_tcp, settings.own_address, settings.mpps_port)),
        Part(
            "worker", "worker", partial(answers_well, f"http://127.0.0.1:{settings.api_port}/api/v1/health", "outbox")
        ),
        Part(
            "notifications",
            "notifications",
            partial(answers_http, f"http://127.0.0.1:{settings.notifications_port}/ready"),
        ),
        Part("inference", "inference", partial(answers_http, f"http://127.0.0.1:{settings.inference_port}/ready")),
        Part("viewer", "gateway", partial(answers_http, f"{gateway}/app-config.js")),
    )


def local_url(settings: Settings) -> str:
    """Return the gateway's address on this machine, whatever its public one is."""
    host = settings.own_address
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}"


def answers_http(url: str) -> bool:
    """Tell whether `url` answers, be it that one has to log in."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status in (http.client.OK, http.client.FORBIDDEN)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def answers_well(url: str, part: str) -> bool:
    """Tell whether a report on health at `url` says that `part` is well: of what has no port of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_PATIENCE)
    try:
        connection.request("GET", parts.path)
        report = json.loads(connection.getresponse().read())
        return bool(report["parts"][part]["status"] == "ok")
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return False
    finally:
        connection.close()


def answers_tcp(host: str, port: int) -> bool:
    """Tell whether something listens at `host` and `port`."""
    try:
        socket.create_connection((host, port), timeout=_TIMEOUT).close()
    except OSError:
        return False
    return True
