"""What leaves without a rule of retention, and what no rule lets leave any more."""

from __future__ import annotations

import json

from sqlalchemy import delete, func, not_, or_, select, update
from sqlalchemy.orm import Session

from cdss_api.holds.holding import keeps
from cdss_api.imaging.models import Study
from cdss_api.retention.models import Departure, DueStudy, State
from neuronova.contract.studies import StudyKey

_LATELY = 86400.0  # seconds within which Orthanc tells of a study that left by a rule


def note_unruled(session: Session, key: StudyKey, sent: str, now: float) -> None:
    """Write down that a study is gone, unless a rule did it or it is there under another patient: it was corrected."""
    elsewhere = select(Study.study_uid).where(
        Study.study_uid == key.study,
        Study.sent.is_not(None),
        or_(Study.patient_id != key.patient_id, Study.issuer != key.issuer),
    )
    told = json.loads(sent)
    session.execute(delete(DueStudy).where(DueStudy.orthanc == told["orthanc"]))
    ruled = select(Departure.number).where(
        Departure.orthanc == told["orthanc"],
        or_(Departure.state == State.LEAVING, Departure.ended_at > now - _LATELY),
        Departure.state != State.STAYED,
        Departure.rule != "",
    )
    if session.scalar(elsewhere.limit(1)) is not None or session.scalar(ruled.limit(1)) is not None:
        return
    session.add(
        Departure(
            study_uid=key.study,
            patient_id=key.patient_id,
            issuer=key.issuer,
            orthanc=told["orthanc"],
            rule="",
            why="no rule: deleted, or given to another patient; the audit trail has by whom",
            state=State.LEFT,
            by="",
            began_at=now,
            ended_at=now,
            bytes=0,
            images=sum(one["instances"] for one in told["series"]),
            digests="[]",
        )
    )


def leaving_soon(session: Session) -> tuple[int, int]:
    """Return how many studies leave by a rule within `NOTICE`, and their bytes."""
    size = func.coalesce(func.sum(DueStudy.bytes), 0)
    leaving = select(func.count(), size).where(DueStudy.kept.is_(None), not_(keeps(DueStudy)))
    count, total = session.execute(leaving).one()
    return count, int(total)


def call_off(session: Session, now: float) -> None:
    """Let everything stay that a rule was about to delete: there are no rules any more."""
    session.execute(delete(DueStudy))
    begun = update(Departure).where(Departure.state == State.LEAVING)
    session.execute(begun.values(state=State.STAYED, ended_at=now))
