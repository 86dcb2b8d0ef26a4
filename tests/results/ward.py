"""A series in a real Orthanc and in the record, its job, and what publishes, takes back and removes its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from sqlalchemy import select

from cdss_api.imaging.archive import Archive
from cdss_api.imaging.stowing import Stowing
from cdss_api.jobs.models import Job
from cdss_api.jobs.states import State
from cdss_api.outbox.worker import Worker
from cdss_api.results.models import ResultRow
from cdss_api.results.publishing import SCOPES, Publisher
from cdss_api.results.removal import TARGET, Removals
from neuronova.contract.inference import Result, uids_hash
from neuronova.contract.roles import Permission, Role
from tests.access import token
from tests.fhir.asking import Fhir
from tests.imaging.studies import a_series, a_study
from tests.imaging.test_events import tell as tell_of_study
from tests.jobs.judging import judged, tell
from tests.results.making import MODEL, images, labels, result
from tests.server import Server


@dataclass
class Ward:
    """One series of four images, and its job; each ward has a patient of its own."""

    fhir: Fhir
    server: Server
    folder: Path
    name: str
    sources: list[Dataset] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sources = images(self.name)
        self.study = str(self.sources[0].StudyInstanceUID)
        self.series = str(self.sources[0].SeriesInstanceUID)
        self.patient = str(self.sources[0].PatientID)
        self.server.send(*self.sources)
        self.tell_of_study()
        self.tell_of_series()

    @property
    def url(self) -> str:
        return self.server.url

    def tell_of_study(self) -> None:
        series = (a_series(self.series, instances=len(self.sources)),)
        event = a_study(study=self.study, patient_id=self.patient, issuer="", accession_number="", series=series)
        assert tell_of_study(self.fhir, event)["taken"] == 1

    def tell_of_series(self, version: str = "a", **more: Any) -> None:
        known: dict[str, Any] = {
            "study": self.study,
            "patient_id": self.patient,
            "issuer": "",
            "instances": len(self.sources),
            "uids_hash": uids_hash(str(one.SOPInstanceUID) for one in self.sources),
        }
        assert tell(self.fhir.api, judged(self.series, version, **(known | more)))["taken"] == 1

    def job(self) -> Job:
        """Return the job that was made first."""
        with self.fhir.api.service.database.reading() as session:
            found = session.scalars(select(Job).where(Job.series == self.series).order_by(Job.number)).first()
            assert found is not None
            session.expunge(found)
            return found

    def end(self, state: State) -> None:
        """Bring the job to an end, as its delivery and what comes after do."""
        with self.fhir.api.service.database.writing() as session:
            job = session.get_one(Job, self.job().number)
            job.state, job.ended_at, job.digest = state.value, self.fhir.api.clock(), MODEL.digest

    def stowing(self) -> Stowing:
        return Stowing(
            orthanc_url=self.url,
            token=lambda: token(Role.SERVICE, "service:ai", scopes=frozenset(SCOPES)),
            clock=self.fhir.api.clock,
        )

    def publish(self, stowing: Stowing | None = None, said: Result | None = None) -> None:
        said = said or result(self.sources)
        mask = self.folder / "mask.npz"
        np.savez_compressed(mask, mask=labels(), instances=[str(one.SOPInstanceUID) for one in self.sources])
        publish = Publisher(service=self.fhir.api.service, stowing=stowing or self.stowing())
        publish(self.job(), said, mask if said.mask is not None else None)

    def row(self) -> ResultRow:
        with self.fhir.api.service.database.reading() as session:
            row = session.scalars(select(ResultRow).where(ResultRow.series == self.series)).one()
            session.expunge(row)
            return row

    def archive(self) -> Archive:
        scopes = frozenset({Permission.ARCHIVE_MANAGE})
        return Archive(self.url, lambda: token(Role.SERVICE, "service:results", scopes=scopes))

    def stored(self) -> list[str]:
        """Return the modalities of all that the study has besides the images."""
        found = self.server.get(f"/dicom-web/studies/{self.study}/instances?PatientID={self.patient}")
        return sorted(one["00080060"]["Value"][0] for one in found if one["00080060"]["Value"] != ["CT"])

    def remove(self, archive: Archive | None = None) -> None:
        """Deliver what is due to be removed."""
        service, clock = self.fhir.api.service, self.fhir.api.clock
        removals = Removals(database=service.database, archive=lambda: archive or self.archive())
        worker = Worker(service.database, removals, clock, lambda: 0.0, only=[TARGET])
        while worker.step():
            pass

    def record(self, kind: str) -> Sequence[dict[str, Any]]:
        return [one["resource"] for one in self.fhir.entries(f"/{kind}") if one["resource"]["id"].startswith("ai-")]

    def report(self) -> dict[str, Any]:
        return self.fhir.bundle(f"/DiagnosticReport/ai-{self.job().job_key}")
