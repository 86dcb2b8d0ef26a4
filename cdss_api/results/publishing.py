"""A job's result on its way: a row, the archive, the record. What is done twice is done once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.consequences import writing
from cdss_api.imaging.models import Study
from cdss_api.imaging.stowing import Stowing
from cdss_api.jobs.models import Job
from cdss_api.notifications.kinds import Kind
from cdss_api.notifications.models import LONGEST_SUBJECT
from cdss_api.notifications.notifying import News, notify
from cdss_api.outbox.exchange import Undelivered
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.results import wording
from cdss_api.results.models import ResultRow
from cdss_api.results.recording import ACTOR, record
from cdss_api.results.removal import is_being_removed, remove
from cdss_api.service import Service
from neuronova.contract.grants import Patient
from neuronova.contract.inference import Result, to_json, uids_hash
from neuronova.contract.roles import Permission

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset

    from cdss_api.results.made import Made

SCOPES = (Permission.IMAGES_QUERY, Permission.IMAGES_READ, Permission.IMAGES_STORE)  # what tokens of `stowing` give


@dataclass(frozen=True, kw_only=True, slots=True)
class Publisher:
    """Publishes results (see `cdss_api.jobs.delivery.Publish`)."""

    service: Service
    stowing: Stowing

    def prepare(self) -> None:
        """Load what writes objects: highdicom takes a second and 80 MB, and most processes never write one."""
        from cdss_api.results import objects  # noqa: F401

    def __call__(self, job: Job, result: Result, mask: Path | None, /) -> None:
        """Write a result's row, store its objects beside the images, and write it in the record.

        Raises:
            Undelivered: the series is another one by now, or Orthanc does not take it.
            requests.RequestException: Orthanc does not answer.
        """
        from cdss_api.results.made import Made
        from cdss_api.results.objects import file_of, objects_of

        sources = self._sources(job)
        row = self._begun(job, result, has_mask=mask is not None)
        ended = datetime.fromtimestamp(row.made_at, UTC).astimezone()
        made = Made(job_key=job.job_key, rule=job.rule, result=result, ended=ended, sources=sources)
        if mask is not None:
            made = _over(made, mask)
        self.stowing.store([(str(one.SOPInstanceUID), file_of(one)) for one in objects_of(made)])
        with writing(self.service, ACTOR) as store:
            mine = store.session.scalar(select(ResultRow).where(ResultRow.job == job.number).with_for_update())
            if mine is None:
                return
            if mine.withdrawn_at is not None:
                remove(store.session, mine, self.service.now())  # what was stored since may not be gone
                return
            mine.imaging_study = mine.imaging_study or _imaging_study(store.session, job)
            mine.published_at = mine.published_at or self.service.now()
            record(store, mine)
            if mine.critical:
                _alert(store.session, mine, result, self.service.now())

    def _sources(self, job: Job) -> tuple[Dataset, ...]:
        """Return the images, of this patient alone: a UID may be of several."""
        found = [
            one
            for one in self.stowing.metadata(job.study, job.series)
            if str(one.get("PatientID") or "").strip() == job.patient_id
        ]
        if not found or uids_hash(str(one.SOPInstanceUID) for one in found) != job.uids_hash:
            # Its next state is judged by and by, and supersedes this job.
            raise Undelivered(Outcome(Verdict.TRANSIENT, "the series is another one by now"))
        return tuple(found)

    def _begun(self, job: Job, result: Result, *, has_mask: bool) -> ResultRow:
        with self.service.database.writing() as session:
            row = session.scalar(select(ResultRow).where(ResultRow.job == job.number))
            if row is None:
                row = _row(job, result, self.service.now(), has_mask=has_mask)
                row.imaging_study = _imaging_study(session, job)
                session.add(row)
            elif row.withdrawn_at is not None:
                if is_being_removed(session, row):
                    raise Undelivered(Outcome(Verdict.TRANSIENT, "what was stored before is being removed"))
                # The series came back as it was, and its job was done again.
                row.withdrawn_at = row.published_at = None
            session.flush()
            session.expunge(row)
            return row


def _over(made: Made, path: Path) -> Made:
    """Return it with its mask, and with the images in the mask's order."""
    import numpy as np

    with np.load(path, allow_pickle=False) as found:
        mask: NDArray[np.uint8] = found["mask"]
        order: Sequence[str] = [str(one) for one in found["instances"]]
    known = {str(one.SOPInstanceUID): one for one in made.sources}
    if len(order) != mask.shape[0] or set(order) != set(known):
        raise Undelivered(Outcome(Verdict.PERMANENT, "the mask is of other images"))
    return replace(made, sources=tuple(known[one] for one in order), mask=mask)


def _row(job: Job, result: Result, now: float, *, has_mask: bool) -> ResultRow:
    from cdss_api.results.made import Made

    uid = Made(
        job_key=job.job_key, rule=job.rule, result=result, ended=datetime.fromtimestamp(now, UTC), sources=()
    ).uid
    return ResultRow(
        job=job.number,
        job_key=job.job_key,
        rule=job.rule,
        model=result.model.id,
        model_version=result.model.version,
        digest=result.model.digest,
        orthanc=job.orthanc,
        study=job.study,
        series=job.series,
        patient_id=job.patient_id,
        issuer=job.issuer,
        input_hash=job.input_hash,
        segmentation_uid=uid("seg") if has_mask else None,
        measurements_uid=uid("sr"),
        text_uid=uid("text"),
        critical=any(one.critical for one in result.findings),
        body=json.dumps(to_json(result)),
        made_at=now,
    )


def _alert(session: Session, row: ResultRow, result: Result, now: float) -> None:
    """Tell readers of a finding that may be critical; nobody is told of one job twice."""
    found = "; ".join(wording.found(one) for one in result.findings if one.critical)
    news = News(
        kind=Kind.CRITICAL_FINDING,
        subject=f"{wording.NOT_FOR_DIAGNOSIS}: {found} ({row.model}), patient {row.patient_id}"[:LONGEST_SUBJECT],
        link=f"/console/report?study={row.study}",
        dedupe=f"ai-critical-finding/{row.job_key}",
        patient=Patient(row.patient_id, row.issuer),
        study=row.study,
    )
    notify(session, news, now)


def _imaging_study(session: Session, job: Job) -> str | None:
    known = session.get(Study, (job.study, job.patient_id, job.issuer))
    return None if known is None or known.sent is None else known.logical_id
