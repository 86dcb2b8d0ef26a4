"""The health report: a loop over checks, each of which says what it found or raises what is wrong."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from flask_openapi3 import OpenAPI

from cdss_api import health
from cdss_api.health.checks import Check, UnhealthyError, look_at
from cdss_api.health.side_by_side import SideBySide
from neuronova.web import problems
from tests.patience import PATIENCE
from tests.server import until


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
    report = look_at(SideBySide({"fine": fine, "part": check}, 2.0))
    assert report["status"] == ("ok" if status == "ok" else "degraded")
    assert report["parts"]["part"]["status"] == status
    assert report["parts"]["part"].get("detail") == detail
    assert report["parts"]["fine"]["version"] == "1"


@pytest.mark.parametrize(("check", "ready"), [(fine, 200), (raising(OSError("no")), 503)])
def test_health_always_tells_and_ready_fails(check: Check, ready: int) -> None:
    app = OpenAPI(__name__)
    problems.install(app)
    app.register_api(health.blueprint(SideBySide({"part": check}, 2.0)))
    client = app.test_client()
    assert client.get("/api/v1/health").status_code == 200
    assert client.get("/api/v1/health/ready").status_code == ready
    assert client.get("/api/v1/health/other").content_type == "application/problem+json"


def test_checks_run_side_by_side_within_the_deadline() -> None:
    both = threading.Barrier(2, timeout=PATIENCE)

    def waiting() -> dict[str, Any]:
        both.wait()  # passes only if the other one runs at the same time
        return {}

    report = look_at(SideBySide({"one": waiting, "other": waiting}, 5.0))
    assert report["status"] == "ok"
    assert all(part["milliseconds"] >= 0 and part["age_seconds"] >= 0 for part in _parts(report).values())


def test_a_check_that_hangs_is_down_and_is_not_begun_again() -> None:
    begun, ended = [], threading.Event()

    def hanging() -> dict[str, Any]:
        begun.append(1)
        ended.wait(30)
        return {}

    checks = SideBySide({"fine": fine, "part": hanging}, 0.2)
    ages = []
    for _ in range(4):
        parts = look_at(checks)["parts"]
        assert (parts["part"]["status"], parts["part"]["detail"]) == ("down", "no answer in 0.2 s")
        assert parts["fine"]["status"] == "ok"
        ages.append(parts["part"]["age_seconds"])
    assert len(begun) == 1
    assert ages == sorted(ages) and ages[0] >= 0.2
    ended.set()
    until(lambda: look_at(checks)["parts"]["part"]["status"] == "ok", "it is asked again once it has ended")


def test_whoever_asks_meanwhile_shares_the_check() -> None:
    begun, go = [], threading.Event()

    def slow() -> dict[str, Any]:
        begun.append(1)
        go.wait(5)
        return {}

    checks = SideBySide({"part": slow}, 0.2)
    assert look_at(checks)["status"] == "degraded"  # so that it is known to be under way
    with ThreadPoolExecutor(8) as pool:
        assert {one["status"] for one in pool.map(look_at, [checks] * 8)} == {"degraded"}
    assert len(begun) == 1
    go.set()


def test_an_unexpected_error_is_down_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    report = look_at(SideBySide({"part": raising(ZeroDivisionError("secret"))}, 2.0))
    assert report["parts"]["part"]["status"] == "down"
    assert "secret" not in str(report) and "ZeroDivisionError" in caplog.text


def _parts(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: part for name, part in report["parts"].items() if name != "api"}
