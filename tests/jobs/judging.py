"""What the plugin would tell of series."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import count
from typing import Any

from sqlalchemy import select

from cdss_api.jobs.models import Job
from neuronova.contract.ai.judged import Asked, SeriesJudged, to_json
from neuronova.contract.priority import Priority
from tests.accounts.api import Api

_numbers = count(1)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def asked(rule: str = "ct-head", model: str = "ct-hyperdensity", **more: Any) -> Asked:
    return Asked(**({"rule": rule, "model": model, "priority": Priority.ROUTINE} | more))


def judged(series: str = "1.2.3", version: str = "a", **more: Any) -> SeriesJudged:
    """Return a series as it is told of after all others; `version` stands for what its files hold."""
    known: dict[str, Any] = {
        "writer": "tests",
        "sequence": next(_numbers),
        "orthanc": sha(series)[:44],
        "study": "1.2",
        "series": series,
        "patient_id": "KIM-1",
        "issuer": "HOSPITAL",
        "accession_number": "ACC-1",
        "modality": "CT",
        "instances": 30,
        "input_hash": sha(f"{series} {version}"),
        "uids_hash": sha(f"{series} {version} uids"),
        "asked": (asked(),),
    }
    return SeriesJudged(**(known | more))


def gone(series: str = "1.2.3") -> SeriesJudged:
    return judged(series, instances=0, input_hash="", uids_hash="", asked=())


def tell(api: Api, *series: SeriesJudged) -> dict[str, int]:
    answer = api.client.post("/api/v1/internal/series", json=to_json(series), headers=api.internal())
    assert answer.status_code == 200, answer.text
    told: dict[str, int] = answer.get_json(force=True)
    return told


def jobs(api: Api) -> Sequence[Job]:
    """Return all jobs, the oldest first."""
    with api.service.database.reading() as session:
        found = session.scalars(select(Job).order_by(Job.number)).all()
        session.expunge_all()
        return found


def states(api: Api) -> list[tuple[str, str | None]]:
    return [(one.state, one.reason) for one in jobs(api)]
