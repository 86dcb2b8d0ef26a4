"""REST callbacks as spans."""

from __future__ import annotations

from typing import Any

from neuronova.telemetry.serving import serving
from orthanc_plugins.sdk import OnRestRequest, Output


def traced(route: str, answer: OnRestRequest) -> OnRestRequest:
    """Return a callback whose requests are spans, `route` being what they are called: never a path as it came."""

    def call(output: Output, uri: str, **given: Any) -> None:
        with serving(f"{given['method']} {route}", given["headers"]):
            answer(output, uri, **given)

    return call
