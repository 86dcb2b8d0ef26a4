"""What goes wrong with models and their service on a running platform, and what people are told of it."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from tests.inference.service import MODELS as FAULTY
from tests.kills.ward import OWN_MODELS, Case, Ward
from tests.patience import PATIENCE
from tests.server import until

MODELS: Sequence[Path] = (OWN_MODELS, FAULTY)
# By the description of a series, the model that it is sent to.
ASKED = {
    "held": "test-held",
    "hangs": "test-hangs",
    "eats": "test-eats",
    "rubbish": "test-rubbish",
    "brain": "t1w-volumes",
}
_RULE = """
  - name: {described}
    model: {model}
    conditions: [{{all: Modality, equals: CT}}, {{all: SeriesDescription, equals: {described}}}]
"""
RULES = "rules:" + "".join(_RULE.format(described=one, model=model) for one, model in ASKED.items())


def overview(ward: Ward) -> dict[str, Any]:
    """Return what `/api/v1/jobs/overview` says."""
    answer = ward.get("/api/v1/jobs/overview")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def breaker(ward: Ward) -> str:
    """Return how the breaker of the inference service stands."""
    return str(overview(ward)["service"]["breaker"])


def shown(case: Case) -> list[dict[str, Any]]:
    """Return the jobs of a series as the page of jobs gets them, the newest first."""
    answer = case.ward.get(f"/api/v1/jobs?study={case.study}")
    assert answer.status_code == 200, answer.text
    return [dict(one) for one in answer.json()["jobs"]]


def told_of(case: Case) -> list[str]:
    """Return what the admin was told of a series' failed jobs."""
    answer = case.ward.get("/api/v1/notifications?limit=200")
    every = answer.json()["notifications"]
    return [one["subject"] for one in every if (one["kind"], one["study"]) == ("ai-job-failed", case.study)]


def keep_killing(ward: Ward, part: str) -> None:
    """Kill the processes of a part, those that were started in their place as well."""
    for pid in ward.pids(part):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def hurry(case: Case) -> None:
    """Let the wait before a job's next attempt be over; how long it is, is proven in tests/outbox."""
    due = (
        "UPDATE outbox_stream SET visible_at = ? WHERE NOT leased AND visible_at > ? AND number IN (SELECT m.stream"
        " FROM outbox_message m JOIN job j ON j.message = m.number WHERE j.series = ? AND m.state = 'failed')"
    )
    with closing(sqlite3.connect(case.ward.data / "api/neuronova.db", timeout=PATIENCE)) as db, db:
        db.execute(due, (time.time(), time.time() + 30.0, case.series))


def until_failed(case: Case, deadline: float = 90) -> dict[str, Any]:
    """Wait for a series' job to be given up, its waits cut short; return it."""

    def look() -> Any:
        hurry(case)
        return next((one for one in case.jobs()[-1:] if one["state"] == "failed_permanent"), None)

    job: dict[str, Any] = until(look, f"{case.name} is given up", deadline)
    return job
