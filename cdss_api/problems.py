"""Errors as problem details (RFC 9457)."""

from __future__ import annotations

import json

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, InternalServerError

MEDIA_TYPE = "application/problem+json"


def problem(status: int, title: str, detail: str | None) -> dict[str, object]:
    """Return a problem's members; `about:blank` says that it is no more than its status."""
    members: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    return members | ({"detail": detail} if detail else {})


def install(app: Flask) -> None:
    """Answer every error of `app` as a problem; what is unexpected is logged and not told."""
    app.register_error_handler(HTTPException, _answer)
    app.register_error_handler(Exception, lambda error: _unexpected(app, error))


def _answer(error: HTTPException) -> Response:
    response = Response(status=error.code or 500)
    response.headers.extend(
        (name, value) for name, value in error.get_headers() if name.lower() not in ("content-type", "content-length")
    )
    response.content_type = MEDIA_TYPE
    response.set_data(json.dumps(problem(response.status_code, error.name, error.description)))
    return response


def _unexpected(app: Flask, error: Exception) -> Response:
    app.logger.error("unexpected error", exc_info=error)
    return _answer(InternalServerError("The service failed; its log says why."))
