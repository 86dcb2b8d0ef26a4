"""A signed report's way to Orthanc: read, printed, and stored beside the images that it is of, once (PS3.18 10.5)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from pydicom import Dataset
from sqlalchemy import select

from cdss_api.database import Database
from cdss_api.fhir.document import Document
from cdss_api.fhir.outcome import Refused
from cdss_api.imaging.models import Correcting
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.verdicts import Outcome, Verdict, of_answer
from cdss_api.reading.encapsulating import Filed, encapsulated, instance_uid_of
from cdss_api.reading.printing import FONT, pdf_of
from cdss_api.reading.reports import study_named
from cdss_api.reading.signed import version_of
from cdss_api.reading.signing import KIND
from neuronova.contract.roles import Permission

SCOPES = (Permission.IMAGES_QUERY, Permission.IMAGES_STORE)  # what `token` gives
_WITHIN = 25.0  # seconds, for each of two requests
_WANTED = "00080020,00080030,00080050,00080090,00081030,00100010,00100020,00100021,00100030,00100040,00200010"
_FAILED = "00081198"  # FailedSOPSequence


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportDelivery:
    """Delivers messages of kind `report`; `token` gives a new service token with `SCOPES`."""

    database: Database
    orthanc_url: str
    token: Callable[[], str]
    header: str
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
        found = self._ask("GET", "/dicom-web/studies", params=_query(report))
        if found.status_code not in (200, 204):
            return of_answer(found.status_code, found.headers, self.clock())
        studies = found.json() if found.status_code == 200 else []
        if len(studies) != 1:
            # None: its images come again, or do not. Several patients: nobody knows whose report it would become,
            # unless the study is on its way from the one to the other.
            verdict = Verdict.PERMANENT if studies and not self._is_corrected(studies) else Verdict.TRANSIENT
            return Outcome(verdict, f"Orthanc has this study {len(studies)} times")
        filed = Filed(
            pdf=pdf_of(printed, self.font),
            report=named["report"],
            version=named["version"],
            title=printed.title,
            signed=printed.signed,
        )
        return self._store(
            encapsulated(filed, Dataset.from_json(studies[0])), instance_uid_of(filed.report, filed.version)
        )

    def _store(self, file: bytes, uid: str) -> Outcome:
        boundary = uuid.uuid4().hex
        head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
        headers = {"Content-Type": kind, "Accept": "application/dicom+json"}
        body = head + file + f"\r\n--{boundary}--\r\n".encode()
        answer = self._ask("POST", "/dicom-web/studies", data=body, headers=headers)
        # What it has already is a failure to Orthanc, and none to us: the UID is that of this very version.
        if answer.status_code in (200, 202, 409) and _FAILED in answer.json():
            if self._is_stored(uid):
                return Outcome(Verdict.OK, "it was there already")
            return Outcome(Verdict.TRANSIENT, "Orthanc did not take it")
        return of_answer(answer.status_code, answer.headers, self.clock())

    def _is_corrected(self, studies: list[Any]) -> bool:
        whose = [str(value) for one in studies for value in one.get("00100020", {}).get("Value", ())]
        with self.database.reading() as session:
            found = session.scalar(select(Correcting.patient_id).where(Correcting.patient_id.in_(whose)).limit(1))
        return found is not None

    def _is_stored(self, uid: str) -> bool:
        found = self._ask("GET", "/dicom-web/instances", params={"SOPInstanceUID": uid})
        return found.status_code == 200 and len(found.json()) == 1

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Accept": "application/dicom+json", **more.pop("headers", {}), self.header: self.token()}
        return requests.request(method, self.orthanc_url + path, headers=headers, timeout=_WITHIN, **more)


def _query(report: Document) -> dict[str, str]:
    return {"StudyInstanceUID": study_named(report), "includefield": _WANTED}
