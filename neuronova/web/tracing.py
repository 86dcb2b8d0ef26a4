"""Each request of a Flask application as a span, by its route's template: never a path as it came."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, request

from neuronova.contract.trace import REQUEST_ID, TRACEPARENT
from neuronova.telemetry.serving import serving
from neuronova.telemetry.spans import Open

_KEY = "neuronova.span"
_HEADERS = {f"HTTP_{name.upper().replace('-', '_')}": name.lower() for name in (REQUEST_ID, TRACEPARENT)}


def install(app: Flask, untold: Callable[[str], bool]) -> None:
    """Have requests be spans, but those whose path is `untold`: what asks each second, or waits for an answer."""
    inner = app.wsgi_app

    def traced(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if untold(environ.get("PATH_INFO", "")):
            return inner(environ, start_response)
        headers = {name: environ[key] for key, name in _HEADERS.items() if key in environ}
        with serving(environ["REQUEST_METHOD"], headers) as opened:
            environ[_KEY] = opened
            return inner(environ, start_response)

    app.wsgi_app = traced  # type: ignore[method-assign]
    app.after_request(_end)


def _end(response: Response) -> Response:
    opened: Open | None = request.environ.get(_KEY)
    if opened is not None:
        rule = "other" if request.url_rule is None else request.url_rule.rule
        opened.name = f"{request.method} {rule}"
        opened.add(status=response.status_code)
        if response.status_code >= 500:
            opened.fail(str(response.status_code))
    return response
