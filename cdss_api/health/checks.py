"""The checks behind the health routes: each looks at one part and raises what is wrong with it."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import requests
from sqlalchemy.exc import SQLAlchemyError

from cdss_api.accounts.changes import current_version
from cdss_api.accounts.service_tokens import token as service_token
from cdss_api.database import Database
from cdss_api.errors import Unavailable
from cdss_api.health.side_by_side import Outcome, SideBySide
from cdss_api.outbox.depths import depth_of
from cdss_api.outbox.heartbeats import CELERY, living
from cdss_api.service import Service
from neuronova.audit.forward import Collector, collector_of
from neuronova.audit.signing import BadKey
from neuronova.audit.status import status_of
from neuronova.audit.trail import Trail
from neuronova.contract.orthancs import name_of
from neuronova.contract.roles import Permission
from neuronova.contract.token import TOKEN_HEADER

log = logging.getLogger(__name__)

# A check returns what it found; an exception is what is wrong.
Check = Callable[[], dict[str, Any]]

DEADLINE = 2.0  # seconds for all checks, which run side by side
_TIMEOUT = 1.5
# The keeper of the audit trail signs every ten minutes.
_UNSIGNED_SECONDS = 3600.0
# Beyond the reserve: a modality's largest study, so that the warning comes before the first study is refused.
_STUDY_BYTES = 2**30


class UnhealthyError(Exception):
    """The part answers, and what it says is not good."""


# Gives the token that a question to Orthanc carries.
Token = Callable[[], str]


def standard_checks(service: Service) -> dict[str, Check]:
    """Return the platform's checks by the name of the part."""
    settings = service.settings
    # Its version stands on a page of Orthanc's own, which asks for more than the plugin's report does.
    scopes = (Permission.PLATFORM_HEALTH, Permission.ARCHIVE_MANAGE)
    health_token = partial(service_token, service, "health", scopes)
    return {
        "orthanc": partial(check_orthanc, settings.orthanc_url, health_token),
        **{
            name_of(number): partial(check_orthanc, f"http://127.0.0.1:{doors.http}", health_token)
            for number, doors in enumerate(settings.more_orthancs, start=2)
        },
        "workers": partial(check_workers, settings.orthanc_url, health_token),
        "notifications": partial(check_notifications, settings.notifications_port),
        "inference": partial(check_inference, settings.inference_port),
        "database": partial(check_database, service.database),
        "data": partial(check_data, settings.data, settings.disk_reserve << 20),
        "outbox": partial(check_outbox, service.database, service.now, celery=settings.broker_url is not None),
        "audit": partial(check_audit, Trail(settings.data), collector_of(settings), service.now),
    }


def look_at(checks: SideBySide[dict[str, Any]]) -> dict[str, Any]:
    """Run the checks side by side and report on each: what it found, its latency and how old that is."""
    parts = {name: _told(name, one, checks.deadline) for name, one in checks.run().items()}
    all_well = all(part["status"] == "ok" for part in parts.values())
    return {"status": "ok" if all_well else "degraded", "parts": {"api": {"status": "ok"}, **parts}}


def _told(name: str, one: Outcome[dict[str, Any]], deadline: float) -> dict[str, Any]:
    if not one.ended:
        found: dict[str, Any] = {"status": "down", "detail": f"no answer in {deadline:g} s"}
    elif one.error is not None:
        found = {"status": "down", "detail": _reason(name, one.error)}
    else:
        found = {"status": "ok", **(one.value or {})}
    return {**found, "milliseconds": round(one.seconds * 1000, 1), "age_seconds": round(one.age, 3)}


def _reason(name: str, error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return f"no answer in {_TIMEOUT} s"
    if isinstance(error, SQLAlchemyError):
        return f"cannot be used ({type(error).__name__})"
    if isinstance(error, requests.RequestException):
        return "does not answer"
    # Bad JSON is a ValueError, an answer that lacks something a KeyError.
    if isinstance(error, UnhealthyError | Unavailable | BadKey | OSError | ValueError | KeyError):
        return str(error)
    log.error("the check of %s failed", name, exc_info=error)
    return f"the check failed ({type(error).__name__}); the log says why"


def _ask(url: str, token: Token | None = None) -> requests.Response:
    headers = None if token is None else {TOKEN_HEADER: token()}
    response = requests.get(url, timeout=_TIMEOUT, headers=headers)
    if response.status_code != requests.codes.ok:
        raise UnhealthyError(f"answers {response.status_code}")
    return response


def check_orthanc(url: str, token: Token) -> dict[str, Any]:
    """Ask Orthanc for its version."""
    return {"version": _ask(f"{url}/system", token).json()["Version"]}


def check_inference(port: int) -> dict[str, Any]:
    """Ask the inference service for its models."""
    return {"models": _ask(f"http://127.0.0.1:{port}/ready").json()["models"]}


def check_notifications(port: int) -> dict[str, Any]:
    """Ask the process of the streams whether it answers."""
    _ask(f"http://127.0.0.1:{port}/ready")
    return {}


def check_workers(url: str, token: Token) -> dict[str, Any]:
    """Ask the plugin for its encode workers; 404 means that Orthanc runs without it."""
    report = _ask(f"{url}/neuronova/health", token).json()
    if report["status"] != "ok":
        raise UnhealthyError(f"{report['workers']} of {report['workers_wanted']} encode workers run")
    return {name: report[name] for name in ("workers", "backlog", "oldest_age")}


def check_database(database: Database) -> dict[str, Any]:
    """Ask the database how far the changes of accounts are."""
    with database.reading() as session:
        return {"kind": database.engine.dialect.name, "version": current_version(session)}


def check_outbox(database: Database, now: Callable[[], float], *, celery: bool = False) -> dict[str, Any]:
    """Look whether a worker lives, and tell what waits; a target that is away is no fault of ours."""
    with database.reading() as session:
        workers = living(session, now())
        delivering = living(session, now(), CELERY if celery else "")
        depths = depth_of(session, now())
    if workers == 0:
        raise UnhealthyError("no worker was heard of lately; the worker's log may say why")
    if delivering == 0:
        raise UnhealthyError("no Celery worker was heard of lately; NEURONOVA_BROKER_URL leaves the delivery to it")
    oldest = max((one.oldest_seconds for one in depths), default=0.0)
    waiting, dead = sum(one.waiting for one in depths), sum(one.dead for one in depths)
    return {"workers": workers, "waiting": waiting, "dead_letters": dead, "oldest_seconds": round(oldest, 1)}


def check_data(folder: Path, reserve: int) -> dict[str, Any]:
    """Look whether the data folder can take another study."""
    if not os.access(folder, os.W_OK):
        raise UnhealthyError(f"{folder} cannot be written to")
    free = shutil.disk_usage(folder).free
    if free < reserve:
        raise UnhealthyError(f"{free >> 20} MiB left on its disk, less than NEURONOVA_DISK_RESERVE: nothing is stored")
    if free < reserve + _STUDY_BYTES:
        raise UnhealthyError(f"{free >> 20} MiB left on its disk")
    return {"free_bytes": free}


def check_audit(trail: Trail, collector: Collector | None, now: Callable[[], float]) -> dict[str, Any]:
    """Look whether the audit trail is signed in time, and tell how far its collector is behind.

    A collector that is away harms nobody here: what it has not had waits, and `neuronova audit status` says why.
    """
    status = status_of(trail, collector)
    unsigned = status.unsigned.seconds(now())
    if unsigned > _UNSIGNED_SECONDS:
        raise UnhealthyError(f"no checkpoint for {unsigned / 60:.0f} minutes; the keeper's log may say why")
    found: dict[str, Any] = {"unsigned": status.unsigned.records}
    if status.unsent is not None:
        found |= {"unsent": status.unsent.records, "unsent_seconds": round(status.unsent.seconds(now()), 1)}
    return found
