"""Finding results, by what somebody may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Account
from cdss_api.jobs.listing import Seen, visible
from cdss_api.jobs.models import Job
from cdss_api.results.models import ResultRow
from cdss_api.results.resources import Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which results; none of a member means all. `before` is the number of the last one that is known."""

    study: str | None = None
    rule: str | None = None
    model: str | None = None
    digest: str | None = None
    input_hash: str | None = None
    standing: Standing | None = None
    before: int | None = None
    count: int = 50


def listed(session: Session, seen: Seen, wanted: Wanted) -> Sequence[ResultRow]:
    """Return published results, the newest first."""
    rows = _seen(seen)
    given: dict[Any, Any] = {
        ResultRow.study: wanted.study,
        ResultRow.rule: wanted.rule,
        ResultRow.model: wanted.model,
        ResultRow.digest: wanted.digest,
        ResultRow.input_hash: wanted.input_hash,
    }
    for column, value in given.items():
        if value is not None:
            rows = rows.where(column == value)
    if wanted.standing is Standing.WITHDRAWN:
        rows = rows.where(ResultRow.withdrawn_at.is_not(None))
    elif wanted.standing is not None:
        verdict = None if wanted.standing is Standing.OPEN else wanted.standing.value
        rows = rows.where(ResultRow.withdrawn_at.is_(None), ResultRow.verdict.is_not_distinct_from(verdict))
    if wanted.before is not None:
        rows = rows.where(ResultRow.number < wanted.before)
    return session.scalars(rows.order_by(ResultRow.number.desc()).limit(wanted.count)).all()


def found(session: Session, seen: Seen, job_key: str) -> ResultRow | None:
    """Return one result for changing it; None where there is none that may be seen."""
    return session.scalar(_seen(seen).where(ResultRow.job_key == job_key).with_for_update(of=ResultRow))


def judges(session: Session, rows: Sequence[ResultRow]) -> dict[str, str]:
    """Return the names of who judged results, by account."""
    accounts = {row.judged_by for row in rows if row.judged_by is not None}
    named = select(Account.account_id, Account.display_name, Account.username).where(Account.account_id.in_(accounts))
    return {id_: shown or username for id_, shown, username in session.execute(named)} if accounts else {}


def _seen(seen: Seen) -> Select[ResultRow]:
    rows = select(ResultRow).join(Job, Job.number == ResultRow.job)
    return rows.where(ResultRow.published_at.is_not(None), visible(seen))
