"""The service's application: routes from HTTP to jobs and back."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request, send_file
from flask_openapi3 import Info, OpenAPI
from prometheus_client import CONTENT_TYPE_LATEST

from inference.inline import read_inline, save_inline
from inference.jobs import Entry, Jobs, described
from inference.metrics import Metrics
from inference.modelling import Description
from inference.pull import pull
from inference.shapes import ASKED, Asked, JobPath
from inference.volume import NotEvaluable
from neuronova.contract.inference import ARRAYS_ONLY, JOB_KEY, LONGEST_DEADLINE, Job, Status, to_json
from neuronova.contract.priority import Priority
from neuronova.contract.reading_inference import BadMessage, read_request
from neuronova.contract.trace import TRACEPARENT, TraceContext, read_traceparent
from neuronova.telemetry.current import about
from neuronova.telemetry.spans import span
from neuronova.web import problems
from neuronova.web.problems import Problem

_LARGEST_BODY = 64 << 20
_OPEN = ("/health", "/ready")  # whether somebody is there is no secret
_USUAL_WAIT, _LONGEST_WAIT = 5.0, 20.0  # seconds that an array's request may take


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the routes work with; `roots` are the DICOMweb roots that series may be fetched from."""

    models: Mapping[str, Description]
    jobs: Jobs
    metrics: Metrics
    roots: frozenset[str]
    secret: str


def create_app(parts: Parts) -> Flask:
    """Make the application."""
    app = OpenAPI(
        __name__,
        info=Info(title="NeuroNova inference", version="1", description="Models on stored series. Not for diagnosis."),
        security_schemes={"bearer": {"type": "http", "scheme": "bearer"}},
        responses=problems.ERRORS,
        validation_error_status="4XX",
        validation_error_callback=problems.invalid,
        doc_prefix="/api/v1",
        static_folder=None,
    )
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    problems.install(app)
    app.before_request(lambda: _require_secret(parts.secret))
    security: Any = [{"bearer": []}]

    _about(app, parts, security)

    @app.post("/api/v1/inference", security=security, responses=ASKED)
    def ask(body: Asked) -> tuple[Response, int, dict[str, str]]:
        """Take a job."""
        asked = body.model_dump(mode="json", exclude_none=True, exclude={"image_array"})
        if body.image_array is not None:
            return _ask_inline(parts, body)
        if ARRAYS_ONLY in request.headers:
            raise Problem(422, "array_required", "/image_array is missing; stored series are asked for by rules.")
        return _ask_by_reference(parts, asked)

    @app.get("/api/v1/inference/<job_key>", security=security)
    def state(path: JobPath) -> Response:
        """Tell how far a job is, and its result."""
        return jsonify(_told(parts.jobs.find(path.job_key)))

    @app.delete("/api/v1/inference/<job_key>", security=security, responses=problems.NOTHING)
    def stop(path: JobPath) -> Response:
        """Stop a job, and end its model's process; one that has ended stays as it is."""
        parts.jobs.stop(path.job_key)
        return Response(status=204)

    @app.get("/api/v1/inference/<job_key>/mask", security=security)
    def mask(path: JobPath) -> Response:
        """Return the mask as npz: mask, instances, positions, row, column, spacing."""
        entry = parts.jobs.find(path.job_key)
        file = entry.folder / "mask.npz"
        if entry.job.result is None or entry.job.result.mask is None:
            raise Problem(404, "no_mask", "The job has no mask.")
        return send_file(file, mimetype="application/octet-stream", download_name="mask.npz")

    problems.describe(app.components_schemas)
    return app


def _about(app: OpenAPI, parts: Parts, security: Any) -> None:
    @app.get("/health")
    def health() -> Response:
        """Tell that the service lives."""
        return jsonify({"status": "ok"})

    @app.get("/ready")
    def ready() -> tuple[Response, int]:
        """Tell whether it can do work: it has models."""
        status = "ok" if parts.models else "no_models"
        return jsonify({"status": status, "models": sorted(parts.models)}), 200 if parts.models else 503

    @app.get("/models", security=security)
    def models() -> Response:
        """List the models: version, digest, intended use, gates, limits."""
        return jsonify({"models": [_shown(one) for one in parts.models.values()]})

    @app.get("/metrics", security=security)
    def metrics() -> Response:
        """Tell Prometheus."""
        return Response(parts.metrics.text(), content_type=CONTENT_TYPE_LATEST)


def _require_secret(secret: str) -> None:
    if request.path in _OPEN:
        return
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), secret.encode()):
        raise Problem(401, "secret_required", "This is for the platform's own parts.", {"WWW-Authenticate": "Bearer"})


def _shown(one: Description) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(one).items() if name not in ("folder", "model")}
    return {**asdict(one.model), **shown}


def _ask_by_reference(parts: Parts, asked: Mapping[str, Any]) -> tuple[Response, int, dict[str, str]]:
    try:
        wanted = read_request(asked)
    except BadMessage as odd:
        raise Problem(422, "invalid_input", str(odd)) from None
    if wanted.input.dicomweb_root.rstrip("/") not in parts.roots:
        raise Problem(422, "root_not_allowed", "/input/dicomweb_root is none that this service may fetch from.")
    description = described(parts.models, wanted.model.id)
    if description.model != wanted.model:
        raise Problem(409, "model_changed", f"The model here is {description.model.version}, or of another digest.")
    entry, new = parts.jobs.reserve(
        wanted.job_key,
        description,
        wanted.identity,
        deadline=wanted.deadline,
        trace_id=wanted.trace_id,
        parent=_caller(wanted.trace_id),
        inline=False,
    )
    if new:
        try:
            parts.jobs.load(entry)
            # Now and not when its turn comes: the token is short-lived.
            with about(job=wanted.job_key), span("fetch", parent=entry.parent, images=wanted.input.instances):
                pull(wanted.input, entry.folder / "input")
        except BaseException:
            parts.jobs.drop(entry)
            raise
        parts.jobs.enqueue(entry, wanted.priority)
    return _answer(entry, 202)


def _caller(trace_id: str) -> TraceContext | None:
    """Return the span that a job is asked for by: the caller's own, if it is in the job's trace."""
    found = read_traceparent(request.headers.get(TRACEPARENT))
    return found if found is not None and found.trace_id == trace_id else None


def _ask_inline(parts: Parts, body: Asked) -> tuple[Response, int, dict[str, str]]:
    key = f"inline-{hashlib.sha256(request.get_data()).hexdigest()}"
    trace_id = secrets.token_hex(16)
    try:
        volume = read_inline(body.image_array, body.modality, body.metadata or {})
        fitting = [one for one in parts.models.values() if one.modality == body.modality]
        wanted = (body.model or {}).get("id")
        chosen = [one for one in fitting if wanted in (None, one.model.id)]
        if not chosen:
            raise NotEvaluable("no_model", f"There is no such model for {body.modality} here.")
    except NotEvaluable as error:
        job = Job(job_key=key, status=Status.NOT_EVALUABLE, trace_id=trace_id, reason=error.reason, detail=str(error))
        return jsonify(_with_predictions(job)), 200, {}
    deadline = min(body.deadline or LONGEST_DEADLINE, LONGEST_DEADLINE)
    if not deadline > 0:
        raise Problem(422, "invalid_input", "/deadline is not above 0.")
    key = f"{key[:71]}-{chosen[0].model.digest[:16]}"
    entry, new = parts.jobs.reserve(key, chosen[0], (key, "inline"), deadline=deadline, trace_id=trace_id, inline=True)
    if new:
        try:
            save_inline(entry.folder / "inline.npz", volume)
        except BaseException:
            parts.jobs.drop(entry)
            raise
        parts.jobs.enqueue(entry, body.priority or Priority.ROUTINE)
    entry.done.wait(_patience(request.headers.get("Prefer", "")))
    return _answer(entry, 200 if entry.job.status.ended else 202)


def _patience(prefer: str) -> float:
    """Return how long to wait: RFC 7240 4.3, up to a limit."""
    found = re.search(r"\bwait=(\d{1,4})\b", prefer)
    return min(float(found[1]), _LONGEST_WAIT) if found else _USUAL_WAIT


def _answer(entry: Entry, status: int) -> tuple[Response, int, dict[str, str]]:
    where = {"Location": f"/api/v1/inference/{entry.job.job_key}"} if status == 202 else {}
    return jsonify(_told(entry)), status, where


def _told(entry: Entry) -> dict[str, Any]:
    job = entry.job
    return _with_predictions(job) if entry.inline else to_json(job)


def _with_predictions(job: Job) -> dict[str, Any]:
    """Return the state with the members of the contract for arrays; no prediction is ever made up."""
    found = to_json(job)
    result = found.get("result", {})
    predictions = [*result.get("measurements", []), *result.get("findings", [])]
    return found | {
        "inference_id": job.job_key,
        "predictions": predictions if job.status is Status.SUCCEEDED else None,
        "confidence": result.get("confidence"),
    }


def secret_of(path: Path) -> str:
    """Return the secret of callers, and refuse to run with none."""
    secret = path.read_text().strip()
    if not JOB_KEY.fullmatch(secret) or len(secret) < 32:
        raise ValueError(f"{path} holds no secret")
    return secret
