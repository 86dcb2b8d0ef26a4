"""The list of what leaves soon: made anew by each look, and what was announced before stays announced."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.retention.leaving import key_of
from cdss_api.retention.looking import Found
from cdss_api.retention.models import DueStudy
from neuronova.contract.retention.rules import Then


def renew(session: Session, found: Iterable[Found], now: float) -> None:
    """Replace the list. What a rule begins to delete, or did not name before, is announced now."""
    before = {key_of(row): row for row in session.scalars(select(DueStudy))}
    for one in found:
        row = before.pop(one.candidate.key, None)
        deletes = one.due.rule.then is Then.DELETE
        if row is None:
            study, patient_id, issuer = one.candidate.key
            row = DueStudy(study_uid=study, patient_id=patient_id, issuer=issuer, announced_at=now)
            session.add(row)
        elif (row.rule, row.deletes) != (one.due.rule.name, deletes):
            row.announced_at = now
        row.orthanc, row.rule, row.deletes = one.candidate.orthanc, one.due.rule.name, deletes
        row.due_at, row.kept = one.due.at, one.kept
        row.bytes, row.images = one.described.bytes, one.described.images
    for gone in before.values():
        session.delete(gone)
    session.flush()
