"""`/api/v1/inference`: a small array to a model, and what came of it. Stored series have jobs of their own."""

from __future__ import annotations

from flask import Response, request
from flask_openapi3 import APIBlueprint
from pydantic import Field

from cdss_api.accounts import recording
from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.inference.passing import LARGEST_BODY, Body, Passed, Passing
from cdss_api.input import Input
from cdss_api.service import Service
from neuronova.contract.roles import Permission
from neuronova.web.problems import Problem

PATH = "/api/v1/inference"
_PASSED_ON = ("Content-Type", "Prefer")


class ArrayJobPath(Input):
    """A job that was made of an array: its key is made of what was sent."""

    array_key: str = Field(pattern=r"^inline-[0-9a-f-]{64,100}$")


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("inference", PATH, tag="inference")
    allowed = requires(service, Permission.INFERENCE_ASK)
    passing = Passing(service.settings.inference_url, service.settings.inference_secret_file)

    @routes.post("", responses={"200": {"description": "Done"}, "202": {"description": "Look at Location"}})
    @allowed
    def ask_with_array() -> Response:
        """Have a model look at image_array, modality and metadata; done in time, or to be looked at later."""
        size = request.content_length
        if size is None:
            raise Problem(411, "length_required", "The request does not say how long it is.")
        if size > LARGEST_BODY:
            raise Problem(413, "too_large", f"The request has more than {LARGEST_BODY >> 20} MB.")
        request.max_content_length = LARGEST_BODY
        _record(service, recording.Action.INFERENCE_ASK)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        # It is not read here: the service does that, and this process has others to answer.
        return _answer(passing("POST", PATH, headers, Body(request.stream, size) if size else None))

    @routes.get("/<array_key>", responses={"200": {"description": "The job"}})
    @allowed
    def show_array_job(path: ArrayJobPath) -> Response:
        """Tell how far a job is, and its result."""
        return _answer(passing("GET", f"{PATH}/{path.array_key}", {}))

    @routes.get("/<array_key>/mask", responses={"200": {"description": "npz"}})
    @allowed
    def show_array_mask(path: ArrayJobPath) -> Response:
        """Return the mask as npz."""
        return _answer(passing("GET", f"{PATH}/{path.array_key}/mask", {}))

    return routes


def _record(service: Service, action: recording.Action) -> None:
    with service.work(bearer().actor) as work:
        work.record(action)


def _answer(passed: Passed) -> Response:
    if passed.status == 401:
        raise Problem(503, "inference_unavailable", "The inference service has another secret.", {"Retry-After": "5"})
    return Response(passed.body, passed.status, dict(passed.headers))
