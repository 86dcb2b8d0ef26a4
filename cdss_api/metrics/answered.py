"""How many requests the API answered, and in what time, by the route's template: never a path as it came."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "other"  # a method that HTTP does not know, a path that no route has


class Answered:
    """One process's requests; `registry` tells them, where they are not added up from files (`shared`)."""

    def __init__(self, registry: CollectorRegistry | None) -> None:
        self._seconds = Histogram(
            "neuronova_api_request_seconds",
            "Time from a request's arrival to its answer's beginning, by route, method and class of status",
            ["route", "method", "status"],
            buckets=_SECONDS,
            registry=registry,
        )
        # To look a series up costs more than to add to it.
        self._known: dict[tuple[str, str, int], Any] = {}

    def install(self, app: Flask) -> None:
        """Measure each request of `app`; has to come before its other hooks, whose time counts."""
        app.before_request(_begin)
        app.after_request(self._end)

    def _end(self, response: Response) -> Response:
        began = g.get("metrics_began")
        if began is not None:
            rule = request.url_rule
            method = request.method if request.method in _METHODS else _OTHER
            key = (_OTHER if rule is None else rule.rule, method, response.status_code // 100)
            series = self._known.get(key)
            if series is None:
                series = self._known[key] = self._seconds.labels(key[0], key[1], f"{key[2]}xx")
            series.observe(time.perf_counter() - began)
        return response


def _begin() -> None:
    g.metrics_began = time.perf_counter()
