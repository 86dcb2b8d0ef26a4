"""Log lines: their two forms, and what is taken out of them."""

from __future__ import annotations

import json
import logging
import sys
import time

import pytest

from neuronova.telemetry import current
from neuronova.telemetry.logs import JSON, TEXT, handler
from neuronova.telemetry.redaction import LONGEST, Redaction, secrets_of
from neuronova.telemetry.spans import span

JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJraW0ifQ.c2lnbmVk"
REDACT = Redaction(["s3cret-of-ours"])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"refused {JWT} of somebody", "refused [token] of somebody"),
        (f"Authorization: Bearer {JWT}", "Authorization: [secret] [token]"),
        ("sent Bearer abcdef.123456", "sent Bearer [secret]"),
        ("postgresql://neuronova:pw@db/neuronova", "postgresql://[secret]@db/neuronova"),
        ("GET /api/v1/fhir/Patient?family=Kim&birthdate=1980 500", "GET /api/v1/fhir/Patient?[query] 500"),
        ("password=hunter22, again", "password=[secret], again"),
        ('{"password": "hunter 22", "user": "kim"}', '{"password": [secret], "user": "kim"}'),
        ("client_secret='a b'", "client_secret=[secret]"),
        ("for Kim Lee^Min Ji, of CT1", "for Kim [name], of CT1"),
        ("'Hong^Gildong=洪^吉洞=홍^길동'", "'[name]'"),
        ('{"family": "Kim", "given": ["Min", "Ji"]}', '{"family": [name], "given": [name]}'),
        ('"PatientName": "Kim"', '"PatientName": [name]'),
        ("it is s3cret-of-ours", "it is [secret]"),
        # what is not to be lost
        (
            "series 1f2e-3d4c of 14 images is asked for by any-ct",
            "series 1f2e-3d4c of 14 images is asked for by any-ct",
        ),
        ("the API answers 503 (why?)", "the API answers 503 (why?)"),
        ("reached https://emr.example.org/fhir", "reached https://emr.example.org/fhir"),
    ],
)
def test_what_is_taken_out(text: str, left: str) -> None:
    assert REDACT(text) == left


@pytest.mark.parametrize("odd", ["a", "?", "eyJ-", "://", "^", "password", 'password="', '"given":[', "Bearer "])
def test_a_line_that_means_harm_takes_no_time(odd: str) -> None:
    began = time.thread_time()
    assert len(REDACT(odd * LONGEST)) <= 2 * LONGEST
    assert time.thread_time() - began < 2.0


def test_the_secrets_of_settings_are_known() -> None:
    assert secrets_of({"NEURONOVA_SMTP_PASSWORD": "x" * 9, "NEURONOVA_DATA": "/srv", "HOME": "/"}) == ["x" * 9]


def line(form: str, *, error: bool = False) -> str:
    """Return what a line is in a form."""
    made = handler("api", form, REDACT)
    try:
        raise ValueError(f"token={JWT}")
    except ValueError:
        info = sys.exc_info() if error else None
    record = logging.LogRecord("cdss_api.x", logging.WARNING, "f", 1, "to %s", ("Kim^Min",), info)
    return made.format(record)


def test_a_line_as_text() -> None:
    with current.about(job="j1", study=None), span("x") as opened:
        shown = line(TEXT)
    assert shown.startswith("W ")
    assert shown.endswith(f"api: to [name] [trace={opened.context.trace_id} job=j1]")
    assert line(TEXT).endswith("api: to [name]")


def test_a_line_as_json() -> None:
    with current.about(job="j1"), span("x") as opened:
        shown = json.loads(line(JSON, error=True))
    assert shown.pop("time").endswith("+00:00")
    traceback = shown.pop("traceback")
    assert "ValueError" in traceback
    assert JWT not in traceback
    assert shown == {
        "level": "WARNING",
        "part": "api",
        "logger": "cdss_api.x",
        "message": "to [name]",
        "trace": opened.context.trace_id,
        "span": opened.context.span_id,
        "job": "j1",
    }


def test_a_line_of_json_is_one_line() -> None:
    assert "\n" not in line(JSON, error=True)
