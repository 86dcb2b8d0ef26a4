"""What holds of reports whatever door they come by, and what follows from a signature: the report goes to Orthanc."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import select

from cdss_api.accounts.work import Work
from cdss_api.fhir.document import Document, read
from cdss_api.fhir.models import Resource, Version
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.store import Store, Stored
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.reading.listing import names_study
from cdss_api.reading.progress import is_signed
from cdss_api.reading.report import may_follow
from cdss_api.reading.reports import SIGNERS, study_named

TARGET, KIND = "orthanc", "report"


def follow(work: Work, store: Store, written: Sequence[Stored]) -> None:
    """Refuse what may not happen to a report, and have each signed version of one sent to Orthanc.

    A report that only became another patient's (a merge) says what it said: its signature stays.

    Raises:
        Refused: 409 where a signed report would be changed other than by an amendment, or deleted; 403 where somebody
            signs who is no radiologist.
    """
    for one in written:
        if one.kind == "DiagnosticReport" and one.address not in store.moved:
            _follow(work, store, one)


def _follow(work: Work, store: Store, stored: Stored) -> None:
    after = None if stored.body is None else read(stored.body)
    before = version_before(store, stored)
    if not any(document is not None and names_study(document) for document in (before, after)):
        return
    if before is not None and is_signed(before):
        same = after is not None and study_named(after) == study_named(before)
        if not same or not may_follow(before, str((after or {}).get("status"))):
            raise Refused(409, "business-rule", "The report was signed: it can only be amended.")
    if after is None or not is_signed(after):
        return
    if work.actor.role not in SIGNERS:
        raise Refused(403, "forbidden", "Only a radiologist signs a report.")
    payload = json.dumps({"report": stored.id, "version": stored.version})
    enqueue(
        work.session, target=TARGET, aggregate=f"DiagnosticReport/{stored.id}", kind=KIND, payload=payload, now=work.now
    )


def version_before(store: Store, stored: Stored) -> Document | None:
    """Return what a resource said before it was written; nothing where it is new."""
    rows = (
        select(Version.body)
        .join(Resource, Resource.number == Version.number)
        .where(Resource.kind == stored.kind, Resource.logical_id == stored.id, Version.version == stored.version - 1)
    )
    body = store.session.scalar(rows)
    return None if body is None else read(body)
