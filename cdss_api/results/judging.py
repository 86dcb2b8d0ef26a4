"""What a radiologist says of a result, and what becomes of one whose series is another one by now."""

from __future__ import annotations

from sqlalchemy import Select, select

from cdss_api.consequences import writing
from cdss_api.fhir.store import Store, Stored
from cdss_api.jobs.models import Job
from cdss_api.jobs.states import State
from cdss_api.results.models import ResultRow
from cdss_api.results.recording import ACTOR, record
from cdss_api.results.removal import remove
from cdss_api.results.resources import Standing
from cdss_api.service import Service
from neuronova.web.problems import Problem

_AT_ONCE = 20


def judge(store: Store, row: ResultRow, verdict: Standing, reason: str, account: str, now: float) -> Stored | None:
    """Write a verdict, or another one in its place; return its report in the record. `store` is the platform's.

    Raises:
        Problem: 409 where the result was withdrawn, 422 where one is rejected without a reason.
    """
    if row.withdrawn_at is not None:
        raise Problem(409, "result_withdrawn", "The series has changed since; the result is no longer of it.")
    if verdict is Standing.REJECTED and not reason.strip():
        raise Problem(422, "invalid_input", "Say why the result is rejected.")
    row.verdict, row.verdict_reason = verdict.value, reason.strip() or None
    row.judged_by, row.judged_at = account, now
    store.session.flush()
    return record(store, row)


def withdraw(service: Service) -> int:
    """Withdraw results whose jobs were superseded, or never came to an end; return how many.

    Their rows and masks stay, and the record says that they do not hold any more. What nobody judged is removed from
    the archive; what a radiologist judged stays there, as what was seen.
    """
    with service.database.reading() as session:
        due = list(session.scalars(_due().limit(_AT_ONCE)))
    for number in due:
        with writing(service, ACTOR) as store:
            row = store.session.get(ResultRow, number, with_for_update=True)
            if row is not None and row.withdrawn_at is None:
                row.withdrawn_at = service.now()
                remove(store.session, row, service.now())
                store.session.flush()
                if row.published_at is not None:
                    record(store, row)
    return len(due)


def _due() -> Select[int]:
    ended = (State.SUPERSEDED, State.CANCELLED, State.FAILED_PERMANENT)
    return (
        select(ResultRow.number)
        .join(Job, Job.number == ResultRow.job)
        .where(ResultRow.withdrawn_at.is_(None), Job.state.in_(ended))
        .order_by(ResultRow.number)
    )
