"""The messages of the inference contract: out and back, and what is refused with its place."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from neuronova.contract.inference import (
    Finding,
    Job,
    Mask,
    Measurement,
    Model,
    Request,
    Result,
    Segment,
    SeriesInput,
    Status,
    to_json,
    uids_hash,
)
from neuronova.contract.priority import Priority
from neuronova.contract.reading_inference import BadMessage, read_job, read_request

MODEL = Model(id="ct-hyperdensity", version="1.0", digest="0" * 64)
TRACE = "ab" * 16
INPUT = SeriesInput(
    study="1.2.3",
    series="1.2.3.4",
    dicomweb_root="http://127.0.0.1:8042/dicom-web",
    instances=2,
    uids_hash="1" * 64,
    token="secret-token",
)
REQUEST = Request(job_key="job-0001", model=MODEL, input=INPUT, priority=Priority.STAT, deadline=30.0, trace_id=TRACE)
RESULT = Result(
    model=MODEL,
    measurements=(Measurement(name="Volume", value=1.5, unit="mL"),),
    findings=(Finding(label="Candidate", measurements=(), position=(1.0, 2.0, 3.0), instance="1.2.3.4.5"),),
    limits=("not for diagnosis",),
    seconds=1.25,
    mask=Mask(path="/api/v1/inference/job-0001/mask", shape=(2, 3, 4), segments=(Segment(number=1, label="Brain"),)),
)
JOB = Job(job_key="job-0001", status=Status.SUCCEEDED, trace_id=TRACE, result=RESULT)


def _sent(message: Request | Job) -> Any:
    return json.loads(json.dumps(to_json(message)))


def _changed(message: Any, path: str, value: Any) -> Any:
    name, _, rest = path.partition("/")
    if isinstance(message, list):
        return [_changed(one, rest, value) if str(i) == name and rest else one for i, one in enumerate(message)]
    return message | {name: _changed(message[name], rest, value) if rest else value}


def test_out_and_back() -> None:
    assert read_request(_sent(REQUEST)) == REQUEST
    assert read_job(_sent(JOB)) == JOB


def test_a_token_is_in_no_representation() -> None:
    assert "secret-token" not in repr(REQUEST)


def test_the_hash_is_of_the_set_of_uids() -> None:
    assert uids_hash(["1.2", "1.10"]) == uids_hash(["1.10", "1.2"])
    assert uids_hash(["1.2", "1.10"]) != uids_hash(["1.2", "1.1"])
    # printf '1.10\n1.2' | sha256sum
    assert uids_hash(["1.2", "1.10"]) == "8756388b3e2b1a6a15b6ca848a3a83e7ff768298f3910041339c985d0e700288"


def test_an_attempt_does_not_change_which_job_it_is() -> None:
    other = _changed(_changed(_sent(REQUEST), "deadline", 5.0), "input/token", "another")
    assert read_request(other).identity == REQUEST.identity
    assert read_request(_changed(_sent(REQUEST), "input/instances", 3)).identity != REQUEST.identity


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("input/study", "1.2.3/../4"),
        ("input/study", "1.02"),
        ("input/instances", True),
        ("input/instances", 0),
        ("input/uids_hash", "A" * 64),
        ("input/token", "two words"),
        ("model/digest", 5),
        ("priority", "now"),
        ("deadline", math.nan),
        ("deadline", 1e9),
        ("trace_id", None),
        ("job_key", "a/b/c/d/e"),
        ("format", 2),
    ],
)
def test_an_odd_request_is_refused_with_its_place(path: str, value: Any) -> None:
    with pytest.raises(BadMessage) as refused:
        read_request(_changed(_sent(REQUEST), path, value))
    assert refused.value.pointer == f"/{path}"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("result/measurements/0/value", math.inf),
        ("result/measurements/0/value", "1.5"),
        ("result/measurements/0/unit", "cc"),
        ("result/findings/0/position", [1.0, 2.0, "x"]),
        ("result/findings/0/instance", "no-uid"),
        ("result/mask/segments", "Brain"),
        ("result/confidence", 1.1),
        ("status", "done"),
        ("result", None),
    ],
)
def test_an_odd_answer_is_refused(path: str, value: Any) -> None:
    with pytest.raises(BadMessage) as refused:
        read_job(_changed(_sent(JOB), path, value))
    assert refused.value.pointer.startswith(f"/{path}")


@pytest.mark.parametrize("message", [None, [], "text", 5], ids=str)
def test_what_is_no_object_is_refused(message: Any) -> None:
    with pytest.raises(BadMessage):
        read_request(message)
