"""The health report: a loop over checks, each of which says what it found or raises what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from flask_openapi3 import OpenAPI

from cdss_api import health
from cdss_api.health.checks import Check, UnhealthyError, look_at
from neuronova.web import problems


def fine() -> dict[str, Any]:
    return {"version": "1"}


def raising(error: Exception) -> Check:
    def check() -> dict[str, Any]:
        raise error

    return check


@pytest.mark.parametrize(
    ("check", "status", "detail"),
    [
        (fine, "ok", None),
        (raising(UnhealthyError("1 of 2 encode workers run")), "down", "1 of 2 encode workers run"),
        (raising(requests.Timeout("urllib3 says much")), "down", "no answer in 1.5 s"),
        (raising(requests.ConnectionError("urllib3 says much")), "down", "does not answer"),
        (raising(PermissionError("no")), "down", "no"),
        (raising(ValueError("no JSON")), "down", "no JSON"),
    ],
)
def test_a_check_is_reported(check: Check, status: str, detail: str | None) -> None:
    report = look_at({"fine": fine, "part": check})
    assert report["status"] == ("ok" if status == "ok" else "degraded")
    assert report["parts"]["part"]["status"] == status
    assert report["parts"]["part"].get("detail") == detail
    assert report["parts"]["fine"]["version"] == "1"


@pytest.mark.parametrize(("check", "ready"), [(fine, 200), (raising(OSError("no")), 503)])
def test_health_always_tells_and_ready_fails(check: Check, ready: int) -> None:
    app = OpenAPI(__name__)
    problems.install(app)
    app.register_api(health.blueprint({"part": check}))
    client = app.test_client()
    assert client.get("/api/v1/health").status_code == 200
    assert client.get("/api/v1/health/ready").status_code == ready
    assert client.get("/api/v1/health/other").content_type == "application/problem+json"
