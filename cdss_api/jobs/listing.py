"""Finding jobs, by what somebody may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select, true
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Grant
from cdss_api.jobs.models import Job
from cdss_api.jobs.states import State
from neuronova.contract.roles import REACH, Reach, Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Whose sight it is; `now` in seconds."""

    account: str
    role: Role
    now: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which jobs; none of a member means all. `before` is the number of the last job that is known."""

    state: State | None = None
    rule: str | None = None
    model: str | None = None
    study: str | None = None
    patient_id: str | None = None
    before: int | None = None
    count: int = 50


def visible(seen: Seen) -> ColumnElement[bool]:
    """Return the condition under which a job may be seen: all of them, or those of patients of one's care team."""
    reach = REACH[seen.role]
    if reach is Reach.ALL:
        return true()
    return exists().where(
        Grant.account_id == seen.account,
        Grant.patient_id == Job.patient_id,
        Grant.issuer == Job.issuer,
        or_(Grant.until.is_(None), Grant.until > seen.now),
    )


def listed(session: Session, seen: Seen, wanted: Wanted) -> Sequence[Job]:
    """Return jobs without their results' text, the newest first."""
    rows = select(Job).where(visible(seen))
    given: dict[Any, Any] = {
        Job.state: wanted.state,
        Job.rule: wanted.rule,
        Job.model: wanted.model,
        Job.study: wanted.study,
        Job.patient_id: wanted.patient_id,
    }
    for column, value in given.items():
        if value is not None:
            rows = rows.where(column == value)
    if wanted.before is not None:
        rows = rows.where(Job.number < wanted.before)
    return session.scalars(rows.order_by(Job.number.desc()).limit(wanted.count)).all()


def found(session: Session, seen: Seen, job_key: str) -> Job | None:
    """Return one job; None where there is none that may be seen."""
    return session.scalar(select(Job).where(Job.job_key == job_key, visible(seen)))
