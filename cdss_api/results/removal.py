"""Withdrawn results out of the archive: by a message, so that it is done once the withdrawal is, and only then."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cdss_api.database import Database
from cdss_api.imaging.archive import Archive, Held, Unavailable
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.models import Message, Stream
from cdss_api.outbox.states import State
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.results.models import ResultRow

TARGET, KIND = "result", "removal"
_OPEN = (State.PENDING, State.PROCESSING, State.FAILED)


def remove(session: Session, row: ResultRow, now: float) -> None:
    """Have a withdrawn result's objects removed; what a radiologist judged stays, as what was seen."""
    if row.withdrawn_at is None or row.verdict is not None:
        return
    payload = json.dumps({"job_key": row.job_key})
    enqueue(session, target=TARGET, aggregate=_aggregate(row), kind=KIND, payload=payload, now=now)


def is_being_removed(session: Session, row: ResultRow) -> bool:
    """Tell whether a removal is on its way: what is stored before its end might be removed."""
    of = (Stream.target == TARGET, Stream.aggregate == _aggregate(row), Message.state.in_(_OPEN))
    return bool(session.scalar(select(exists().where(Message.stream == Stream.number, *of))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Removals:
    """Delivers messages of kind `removal` (see `outbox.delivery.Deliver`); what is gone already is no error."""

    database: Database
    archive: Callable[[], Archive]

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        """Remove the objects of a result that is withdrawn still; service tokens are always new."""
        if delivery.kind != KIND:
            return Outcome(Verdict.PERMANENT, f"{delivery.kind[:64]} is no removal")
        with self.database.reading() as session:
            uids = _due(session, str(json.loads(delivery.payload)["job_key"]))
        archive = self.archive()
        try:
            stored = [one for uid in uids for one in archive.lookup(uid)]
            for one in stored:
                archive.delete(one)
        except Held:
            return Outcome(Verdict.PERMANENT, "it is under legal hold; retry once the hold is lifted")
        except Unavailable as error:
            return Outcome(Verdict.TARGET_DOWN, f"Orthanc does not answer ({error})")
        return Outcome(Verdict.OK, f"{len(stored)} objects")


def _due(session: Session, job_key: str) -> list[str]:
    row = session.scalar(select(ResultRow).where(ResultRow.job_key == job_key))
    if row is None or row.withdrawn_at is None or row.verdict is not None:
        return []
    return [one for one in (row.segmentation_uid, row.measurements_uid, row.text_uid) if one is not None]


def _aggregate(row: ResultRow) -> str:
    return f"Result/{row.job_key}"
