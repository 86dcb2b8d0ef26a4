"""`/api/v1/metrics`: the figures of every part for Prometheus, by the key in the data folder or an admin's token."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address
from typing import ParamSpec, TypeVar

from flask import Flask, Response, request
from flask_openapi3 import APIBlueprint
from flask_openapi3.request import validate_request
from flask_openapi3.types import ResponseDict
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, disable_created_metrics, generate_latest

from cdss_api.accounts.bearer import bearer_token, client_address, guarded_routes, requires
from cdss_api.input import Input
from cdss_api.metrics.answered import Answered
from cdss_api.metrics.figures import Collected
from cdss_api.metrics.groups import groups_of
from cdss_api.metrics.parts import Part, fetch, sources_of
from cdss_api.metrics.shared import registry_of_counts
from cdss_api.service import Service
from neuronova.contract.roles import Permission

PATH = "/api/v1/metrics"
_FIGURES: ResponseDict = {"200": {"description": "Prometheus' text format", "content": {CONTENT_TYPE_LATEST: {}}}}

P = ParamSpec("P")
R = TypeVar("R")


class PartPath(Input):
    """A part of the platform."""

    part: Part


def blueprint(service: Service, app: Flask) -> APIBlueprint:
    """Return the routes, and have the requests of `app` counted from now on."""
    disable_created_metrics()  # a second series for each counter, of no use to rate()
    registry = CollectorRegistry()
    Answered(registry_of_counts(registry)).install(app)
    registry.register(Collected(groups_of(service)))
    sources = sources_of(service)
    routes = guarded_routes("metrics", PATH, tag="metrics")
    key = service.settings.metrics_key_file.read_text().strip()

    def allowed(view: Callable[P, R]) -> Callable[P, R]:
        by_token, by_key = requires(service, Permission.PLATFORM_HEALTH)(view), validate_request()(view)

        @wraps(by_token)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            return (by_key if _shows(key) else by_token)(*args, **kwargs)

        return guarded

    @routes.get("", responses=_FIGURES)
    @allowed
    def show_own_metrics() -> Response:
        """Tell the API's own figures."""
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    @routes.get("/<part>", responses=_FIGURES)
    @allowed
    def show_metrics(path: PartPath) -> Response:
        """Tell a part's figures; 502 where it does not answer."""
        if path.part is Part.API:
            return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
        return Response(fetch(path.part, sources[path.part]), content_type=CONTENT_TYPE_LATEST)

    return routes


def _shows(key: str) -> bool:
    """Tell whether the request shows the key, from this machine: the key is good for nobody else."""
    given = bearer_token(request) or ""
    return hmac.compare_digest(given.encode("utf-8", "replace"), key.encode()) and _is_here(client_address())


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
