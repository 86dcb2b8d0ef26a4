"""What the running platform says of its own parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from neuronova.doctor.finding import Finding, failed, ok

_TIMEOUT = 5.0


def look_at_health(url: str) -> list[Finding]:
    """Ask the API at `url` for `/health`."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the machine is not meant for loopback
            report = session.get(f"{url}/api/v1/health", timeout=_TIMEOUT).json()
        return parts(report["parts"])
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        return [failed("health", f"the API does not tell ({type(error).__name__})", "see the API's log")]


def parts(report: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Judge the report on each part."""
    return [_part(name, part) for name, part in report.items()]


def _part(name: str, part: Mapping[str, Any]) -> Finding:
    if part["status"] != "ok":
        told = str(part.get("detail", part["status"]))
        return failed(f"part {name}", told, f"see the log of {name}, and docs/runbooks.md")
    latency = part.get("milliseconds")
    return ok(f"part {name}", "well" if latency is None else f"well, asked in {latency:g} ms")
