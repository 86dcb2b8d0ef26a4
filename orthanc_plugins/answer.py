"""An HTTP answer as a value, and the one place that writes it to Orthanc's output."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from orthanc_plugins.sdk import Output

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer in memory."""

    body: bytes
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MultipartAnswer:
    """Parts of one media type, produced while they are sent, so that only one is in memory."""

    part_type: str
    parts: Iterator[bytes]


def json_answer(value: object, status: int = 200) -> Answer:
    """Answer `value` as JSON."""
    return Answer(json.dumps(value).encode(), JSON, status)


def error(status: int, details: str) -> Answer:
    """Answer an error in the form that Orthanc and its DICOMweb plugin give theirs."""
    return json_answer({"Details": details, "HttpError": HTTPStatus(status).phrase, "HttpStatus": status}, status)


def send(output: Output, answer: Answer | MultipartAnswer) -> None:
    """Write `answer`; called once for each request."""
    if isinstance(answer, MultipartAnswer):
        output.StartMultipartAnswer("related", answer.part_type)
        for part in answer.parts:
            output.SendMultipartItem(part)
        return
    if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
        # Orthanc takes this status in no other way, and writes no body.
        output.SendMethodNotAllowed(answer.headers.get("Allow", ""))
        return
    for name, value in answer.headers.items():
        output.SetHttpHeader(name, value)
    if answer.status == HTTPStatus.OK:
        output.AnswerBuffer(answer.body, answer.content_type)
    elif answer.body:
        output.SetHttpHeader("Content-Type", answer.content_type)
        _send_status(output, answer.status, answer.body.decode("utf-8", "replace"))
    else:
        output.SendHttpStatusCode(answer.status)


def _send_status(output: Output, status: int, body: str) -> None:
    # The plugin asks for the size of the body before its version 4.2 and refuses it after.
    try:
        output.SendHttpStatus(status, body, len(body.encode()))
    except TypeError:
        output.SendHttpStatus(status, body)
