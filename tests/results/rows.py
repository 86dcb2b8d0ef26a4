"""Results that are published already, written as rows: for tests of what reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from sqlalchemy import select, update

from cdss_api.jobs.models import Job
from cdss_api.jobs.states import State
from cdss_api.outbox.models import Message
from cdss_api.outbox.states import State as MessageState
from cdss_api.results.models import ResultRow
from neuronova.contract.inference import Result, to_json
from tests.accounts.api import Api
from tests.jobs.judging import judged, tell
from tests.results.making import images, result

_numbers = count(1)


def published(api: Api, of: Mapping[str, str], said: Result | None = None, **more: Any) -> int:
    """Write the result of a new series of a study (its UID, and its ImagingStudy's id); return the row's number."""
    said, series = said or result(images()), f"{of['uid']}.{next(_numbers)}"
    told = judged(series, study=of["uid"], **({"patient_id": "P-1", "issuer": ""} | more))
    assert tell(api, told)["taken"] == 1
    with api.service.database.writing() as session:
        job = session.scalars(select(Job).where(Job.series == series)).one()
        job.state, job.ended_at = State.SUCCEEDED.value, api.clock()
        session.execute(update(Message).where(Message.number == job.message).values(state=MessageState.COMPLETED.value))
        row = ResultRow(
            **{
                name: getattr(job, name)
                for name in ("job_key", "rule", "orthanc", "study", "series", "patient_id", "issuer", "input_hash")
            },
            job=job.number,
            model=said.model.id,
            model_version=said.model.version,
            digest=said.model.digest,
            imaging_study=of["study"],
            segmentation_uid=None,
            measurements_uid="1.2.3",
            text_uid="1.2.4",
            critical=any(one.critical for one in said.findings),
            body=json.dumps(to_json(said)),
            made_at=api.clock(),
            published_at=api.clock(),
        )
        session.add(row)
        session.flush()
        return row.number


def change(api: Api, number: int, job_state: State | None = None, **members: Any) -> None:
    """Change a row, or its job's state."""
    with api.service.database.writing() as session:
        row = session.get_one(ResultRow, number)
        for name, value in members.items():
            setattr(row, name, value)
        if job_state is not None:
            session.get_one(Job, row.job).state = job_state.value


def row_of(api: Api, number: int) -> ResultRow:
    """Return a row as it is now."""
    with api.service.database.reading() as session:
        row = session.get_one(ResultRow, number)
        session.expunge(row)
        return row
