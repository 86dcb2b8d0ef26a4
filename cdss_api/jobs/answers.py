"""What an inference service's answers mean: pure functions over a status and a text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neuronova.contract.inference import DIGEST, Job, Model, Status
from neuronova.contract.reading_inference import BadMessage, read_job

BAD_ANSWER = "bad_answer"
MOST_MODELS = 200
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_FINAL = frozenset({400, 404, 409, 413, 415, 422})  # asked again, it says the same


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the service does not do it: a stable code and a sentence."""

    reason: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldModel:
    """A model as the service lists it; `deadline` in seconds, `told` is what a person wants to know of it."""

    model: Model
    deadline: float
    told: Mapping[str, Any]


def read_json(text: str) -> Any:
    """Return the JSON value.

    Raises:
        BadMessage: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadMessage("", "is no JSON") from None


def refusal(status: int, text: str) -> Refusal | None:
    """Return why a request was refused for good, by its problem details (RFC 9457); None where it was not."""
    if status not in _FINAL:
        return None
    try:
        problem = read_json(text)
    except BadMessage:
        problem = None
    members: Mapping[str, Any] = problem if isinstance(problem, Mapping) else {}
    code, detail = members.get("code"), members.get("detail")
    known = isinstance(code, str) and _CODE.fullmatch(code)
    return Refusal(
        reason=str(code) if known else f"http_{status}",
        detail=detail[:500] if isinstance(detail, str) else f"The inference service answered {status}.",
    )


def state_told(text: str, key: str, trace_id: str) -> Job:
    """Return the state of the job that was asked for.

    Raises:
        BadMessage: it is none, or another job's.
    """
    job = read_job(read_json(text))
    if job.job_key != key:
        raise BadMessage("/job_key", "is another job's")
    if job.trace_id != trace_id:
        raise BadMessage("/trace_id", "is another job's")
    if job.status.ended and job.status is not Status.SUCCEEDED and not job.reason:
        raise BadMessage("/reason", "is missing")
    return job


def require_model(job: Job, wanted: Model) -> None:
    """Raise BadMessage where a result is another model's than was asked, or its mask is elsewhere."""
    if job.result is None:
        return
    if job.result.model != wanted:
        raise BadMessage("/result/model", "is not the one that was asked")
    mask = job.result.mask
    if mask is not None and mask.path != f"/api/v1/inference/{job.job_key}/mask":
        raise BadMessage("/result/mask/path", "is not this job's")


def models_told(text: str) -> tuple[ToldModel, ...]:
    """Return the models of `GET /models`.

    Raises:
        BadMessage: it is no list of them.
    """
    value = read_json(text)
    listed = value.get("models") if isinstance(value, Mapping) else None
    if not isinstance(listed, list) or len(listed) > MOST_MODELS:
        raise BadMessage("/models", f"is no list of at most {MOST_MODELS}")
    return tuple(_model(one) for one in listed)


def _model(value: Any) -> ToldModel:
    try:
        id_, version, digest = (str(value[name]) for name in ("id", "version", "digest"))
        deadline = float(value["deadline"])
    except (KeyError, TypeError, ValueError):
        raise BadMessage("/models", "has one that lacks a member") from None
    if not (0 < len(id_) <= 64 and 0 < len(version) <= 64 and DIGEST.fullmatch(digest) and 0 < deadline <= 86400):
        raise BadMessage("/models", "has one with an odd member")
    told = {name: value[name] for name in ("title", "intended_use", "limits", "gates") if name in value}
    return ToldModel(model=Model(id=id_, version=version, digest=digest), deadline=deadline, told=told)
