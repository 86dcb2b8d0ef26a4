"""Orthanc as prefetch needs it, over loopback HTTP: it asks archives (C-FIND SCU) and has them send (C-MOVE SCU)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cdss_api.orthanc import Orthanc, Unavailable
from neuronova.contract.modalities import name_in_orthanc
from neuronova.contract.prefetch.rules import StudyFound

MOST_STUDIES = 1000  # of one patient that are looked at
_FIND_TIMEOUT = 20  # seconds; less than the client's own
_MOVE_TIMEOUT = 120  # seconds that an archive may take from one answer to the next
_KEYS = (
    *("StudyInstanceUID", "StudyDate", "StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedInstances"),
    *("PatientName", "PatientBirthDate", "PatientSex"),
)
_UID = re.compile(r"[0-9.]{1,64}", re.ASCII)
_DATE = re.compile(r"\d{8}", re.ASCII)


class NotKnown(Exception):
    """Orthanc has no such archive (yet)."""


class Refused(Exception):
    """The archive could not be asked, or refuses; the message is what Orthanc says."""


class Fetcher(Orthanc):
    """A client of Orthanc; `find` and `begin` raise NotKnown and Refused."""

    def find(self, title: str, patient_id: str, issuer: str) -> list[StudyFound]:
        """Return an archive's studies of a PatientID; without `issuer` those of all issuers."""
        query = {**dict.fromkeys(_KEYS, ""), "PatientID": patient_id, "IssuerOfPatientID": issuer}
        asked = self._query(title, query)
        try:
            answers = self._json("GET", f"{asked}/answers?expand&simplify") or []
        finally:
            self._ask("DELETE", asked)
        return [found for one in answers[:MOST_STUDIES] if (found := study_found(one)) is not None]

    def begin(self, title: str, patient_id: str, study: str, to: str) -> str | None:
        """Have an archive send a study to an AE title; return Orthanc's job, None where it has no such study now."""
        asked = self._query(title, {"PatientID": patient_id, "StudyInstanceUID": study})
        try:
            answers = self._json("GET", f"{asked}/answers?expand&simplify") or []
            # An archive may answer more than it was asked for, and each answer is sent that is not left out.
            place = next((at for at, one in enumerate(answers) if _text(one, "StudyInstanceUID") == study), None)
            if place is None:
                return None
            wanted = {"TargetAet": to, "Asynchronous": True, "Permissive": False, "Timeout": _MOVE_TIMEOUT}
            return str(self._json("POST", f"{asked}/answers/{place}/retrieve", json=wanted)["ID"])
        finally:
            self._ask("DELETE", asked)

    def held(self, study: str) -> int:
        """Return how many images of a study are stored here."""
        wanted = {"Level": "Study", "Query": {"StudyInstanceUID": study}}
        found = [
            self._json("GET", f"/studies/{one}/statistics") for one in self._json("POST", "/tools/find", json=wanted)
        ]
        return sum(int(one["CountInstances"]) for one in found if one is not None)

    def _query(self, title: str, query: Mapping[str, str]) -> str:
        """Ask by C-FIND; return where Orthanc keeps the answers."""
        # Normalized, the keys would lose what Orthanc does not know of the level.
        wanted = {"Level": "Study", "Query": query, "Normalize": False, "Timeout": _FIND_TIMEOUT}
        answer = self._ask("POST", f"/modalities/{name_in_orthanc(title)}/query", json=wanted)
        if answer.status_code == 404:
            raise NotKnown(title)
        try:
            said = answer.json()
        except ValueError as error:
            raise Unavailable(type(error).__name__) from error
        if not answer.ok:
            if "OrthancStatus" not in said:
                raise Unavailable(f"status {answer.status_code}")
            raise Refused(str(said.get("Details", "")))
        return f"/queries/{said['ID']}"


def study_found(answer: Mapping[str, Any]) -> StudyFound | None:
    """Return a study as an archive tells of it, None where it has no UID; an odd value counts as none."""
    study, date, images = (_text(answer, one) for one in ("StudyInstanceUID", "StudyDate", _KEYS[4]))
    if not _UID.fullmatch(study):
        return None
    return StudyFound(
        study=study,
        date=date if _DATE.fullmatch(date) else "",
        description=_text(answer, "StudyDescription"),
        modalities=_values(_text(answer, "ModalitiesInStudy")),
        images=int(images) if images.isascii() and images.isdigit() and len(images) < 10 else None,
        patient_id=_text(answer, "PatientID"),
        issuer=_text(answer, "IssuerOfPatientID"),
        patient_name=_text(answer, "PatientName"),
        birth_date=_text(answer, "PatientBirthDate"),
        sex=_text(answer, "PatientSex").upper(),
    )


def _text(answer: Mapping[str, Any], keyword: str) -> str:
    return str(answer.get(keyword) or "").strip(" \0")


def _values(text: str) -> tuple[str, ...]:
    values: Sequence[str] = text.split("\\")
    return tuple(value for one in values if (value := one.strip()))
