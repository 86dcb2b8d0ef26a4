"""Errors as problem details (RFC 9457), each with a stable `code` that a program can act on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response
from flask_openapi3.models import Schema
from flask_openapi3.types import ResponseDict
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError
from werkzeug.http import HTTP_STATUS_CODES

MEDIA_TYPE = "application/problem+json"


class Problem(HTTPException):
    """An error of our own: raise it, and the client is told."""

    def __init__(self, status: int, problem_code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.code = status
        self.problem_code = problem_code
        self.headers = dict(headers or {})


class InvalidInput(BaseModel):
    """What is wrong with one member of the input."""

    pointer: str = Field(description="Where it is: a JSON pointer (RFC 6901), or a parameter's name.")
    detail: str


class ProblemDetails(BaseModel):
    """RFC 9457, 3: what went wrong."""

    model_config = ConfigDict(json_schema_extra={"required": ["type", "title", "status", "code"]})
    type: str
    title: str
    status: int
    code: str = Field(description="Stable, for programs.")
    detail: str | None = None
    errors: list[InvalidInput] | None = None


# One word for all errors; a route names beside it what it answers when all is well.
ERRORS: ResponseDict = {
    "4XX": {
        "description": "A problem (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
}
NOTHING: ResponseDict = {"204": {"description": "Done"}}


def problem(status: int, title: str, detail: str | None, code: str) -> dict[str, object]:
    """Return a problem's members; `about:blank` says that its type is no more than its status."""
    members: dict[str, object] = {"type": "about:blank", "title": title, "status": status, "code": code}
    return members | ({"detail": detail} if detail else {})


def install(app: Flask) -> None:
    """Answer every error of `app` as a problem; what is unexpected is logged and not told."""
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(RecursionError, lambda _: answer(BadRequest("The input is nested too deeply.")))
    app.register_error_handler(Exception, lambda error: _unexpected(app, error))


def invalid(error: ValidationError) -> Response:
    """Answer what is wrong with the input, without repeating it."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    errors = [{"pointer": _pointer(one["loc"]), "detail": one["msg"]} for one in details[:20]]
    members = problem(422, "Unprocessable Content", "The input is not what this takes.", "invalid_input")
    return _response(422, members | {"errors": errors})


def _pointer(location: tuple[int | str, ...]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1")[:100] for part in location)


def answer(error: HTTPException) -> Response:
    """Return the problem that `error` is."""
    if error.response is not None:  # a whole answer was given to `abort`
        return Response(error.response.get_data(), error.response.status_code, error.response.headers)  # type: ignore[attr-defined]
    status = error.code or 500
    title = HTTP_STATUS_CODES.get(status, error.name)
    code = getattr(error, "problem_code", None) or re.sub(r"\W+", "_", title.lower())
    response = _response(status, problem(status, title, error.description, code))
    response.headers.extend(
        (name, value) for name, value in error.get_headers() if name.lower() not in ("content-type", "content-length")
    )
    response.headers.extend(getattr(error, "headers", {}))
    return response


def _response(status: int, members: Mapping[str, Any]) -> Response:
    return Response(json.dumps(members), status, content_type=MEDIA_TYPE)


def _unexpected(app: Flask, error: Exception) -> Response:
    app.logger.error("unexpected error", exc_info=error)
    return answer(InternalServerError("The service failed; its log says why."))


def describe(schemas: dict[str, Any]) -> None:
    """Put the problem's schema among those of the API's description."""
    schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, nested in schema.pop("$defs", {}).items():
        schemas[name] = Schema(**nested)
    schemas[ProblemDetails.__name__] = Schema(**schema)
