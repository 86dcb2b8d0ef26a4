"""A signed report's way to Orthanc: read, printed, and stored beside the images that it is of, once (PS3.18 10.5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from cdss_api.database import Database
from cdss_api.fhir.document import Document
from cdss_api.fhir.outcome import Refused
from cdss_api.imaging.models import Correcting
from cdss_api.imaging.stowing import Stowing
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.exchange import Undelivered
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.reading.encapsulating import Filed, encapsulated, instance_uid_of
from cdss_api.reading.printing import FONT, Printed, pdf_of
from cdss_api.reading.reports import study_named
from cdss_api.reading.signed import version_of
from cdss_api.reading.signing import KIND
from neuronova.contract.roles import Permission

SCOPES = (Permission.IMAGES_QUERY, Permission.IMAGES_STORE)  # what tokens of `stowing` give
_WANTED = "00080020,00080030,00080050,00080090,00081030,00100010,00100020,00100021,00100030,00100040,00200010"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportDelivery:
    """Delivers messages of kind `report`; `stowing` has tokens with `SCOPES`."""

    database: Database
    stowing: Stowing
    clock: Callable[[], float]
    font: Path = FONT

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        """Store the version of the report that the message names; a token is new each time, so `renew` asks nothing."""
        if delivery.kind != KIND:
            return Outcome(Verdict.PERMANENT, f"{delivery.kind[:64]} is not for Orthanc")
        named = json.loads(delivery.payload)
        try:
            report, printed = version_of(self.database, named["report"], named["version"], self.clock())
        except Refused:
            return Outcome(Verdict.PERMANENT, "there is no such version of a report")
        try:
            return self._filed(named, report, printed)
        except Undelivered as refused:
            return refused.outcome

    def _filed(self, named: Mapping[str, Any], report: Document, printed: Printed) -> Outcome:
        studies = self.stowing.studies(_query(report))
        if len(studies) != 1:
            # None: its images come again, or do not. Several patients: nobody knows whose report it would become,
            # unless the study is on its way from the one to the other.
            verdict = Verdict.PERMANENT if studies and not self._is_corrected(studies) else Verdict.TRANSIENT
            return Outcome(verdict, f"Orthanc has this study {len(studies)} times")
        from pydicom import Dataset  # here, for a worker starts sooner without it

        filed = Filed(
            pdf=pdf_of(printed, self.font),
            report=named["report"],
            version=named["version"],
            title=printed.title,
            signed=printed.signed,
        )
        file = encapsulated(filed, Dataset.from_json(studies[0]))
        self.stowing.store([(instance_uid_of(filed.report, filed.version), file)])
        return Outcome(Verdict.OK)

    def _is_corrected(self, studies: list[Any]) -> bool:
        whose = [str(value) for one in studies for value in one.get("00100020", {}).get("Value", ())]
        with self.database.reading() as session:
            found = session.scalar(select(Correcting.patient_id).where(Correcting.patient_id.in_(whose)).limit(1))
        return found is not None


def _query(report: Document) -> dict[str, str]:
    return {"StudyInstanceUID": study_named(report), "includefield": _WANTED}
