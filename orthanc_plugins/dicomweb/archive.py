"""Orthanc's index, asked by the UIDs of DICOMweb instead of Orthanc's identifiers."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orthanc_plugins.sdk import Sdk
from orthanc_plugins.stored import STATUS_METADATA, StoredFile, orthanc_identifier, read_stored_file

MOST_STUDIES = 10_000
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
LEVELS = ("studies", "series", "instances")


@dataclass(frozen=True, slots=True)
class Located:
    """A study, series or instance: Orthanc's identifier, its PatientID, and its UIDs from the study down."""

    identifier: str
    patient: str
    uids: tuple[str, ...]

    @property
    def path(self) -> str:
        """What addresses it below the root of DICOMweb."""
        return "/".join(f"{level}/{uid}" for level, uid in zip(LEVELS, self.uids, strict=False))

    def below(self, uid: str) -> Located:
        """Return the series of this study, or the instance of this series, with that UID."""
        uids = (*self.uids, uid)
        return Located(orthanc_identifier(self.patient, *uids), self.patient, uids)

    def up_to(self, depth: int) -> Located:
        """Return the study (1) or series (2) that this belongs to."""
        uids = self.uids[:depth]
        return Located(orthanc_identifier(self.patient, *uids), self.patient, uids)


class Archive:
    """Read access to Orthanc's index from within."""

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk
        self._patients: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: str) -> Any | None:
        """Return Orthanc's answer as JSON, or as text where it is none; None for what does not exist."""
        try:
            body = self._sdk.RestApiGet(path)
        except self._sdk.OrthancException:
            return None
        try:
            return json.loads(body)
        except ValueError:
            return body.decode("utf-8", "replace")

    def stored_file(self, identifier: str, attachment: str) -> StoredFile | None:
        """Return what the index says of an attachment of an instance."""
        return read_stored_file(self.get, identifier, attachment)

    def content(self, level: str, identifier: str, attachment: str) -> bytes | None:
        """Return the content of an attachment."""
        try:
            return self._sdk.RestApiGet(f"/{level}/{identifier}/attachments/{attachment}/data")
        except self._sdk.OrthancException:
            return None

    def encapsulated_pdf(self, instance: str) -> bytes | None:
        """Return the document of an Encapsulated PDF object (PS3.3 A.45.1), by Orthanc's identifier; None of others."""
        if self.get(f"/instances/{instance}/metadata/SopClassUid") != ENCAPSULATED_PDF:
            return None
        try:
            return self._sdk.RestApiGet(f"/instances/{instance}/content/0042-0011")
        except self._sdk.OrthancException:
            return None

    def attachment_uuid(self, level: str, identifier: str, attachment: str) -> str | None:
        """Return the name of an attachment's file, which is another one whenever its content is."""
        info = self.get(f"/{level}/{identifier}/attachments/{attachment}/info")
        return None if info is None else str(info["Uuid"])

    def skip_reason(self, identifier: str) -> str | None:
        """Return why an instance was not encoded; None where it was, or will be."""
        status = self.get(f"/instances/{identifier}/metadata/{STATUS_METADATA}")
        return str(status["reason"]) if isinstance(status, dict) and status["status"] != "encoded" else None

    def search(self, level: str, keyword: str, query: Mapping[str, str]) -> list[str]:
        """Return the UIDs named `keyword` of the resources of a level (Study, ..) that match a query like C-FIND's."""
        asked = {"Level": level, "Query": dict(query), "Expand": True}
        found = json.loads(self._sdk.RestApiPost("/tools/find", json.dumps(asked).encode()))
        return [entry["MainDicomTags"][keyword] for entry in found]

    def locate(self, *uids: str | None) -> Located | None:
        """Find the study, series or instance of UIDs from the study down.

        None where there is none, and where the same UIDs exist under two patients: the stock plugin too finds
        nothing then, and guessing would show one patient's images as another's.
        """
        given = tuple(uid for uid in uids if uid is not None)
        for fresh in (False, True):
            candidates = [
                Located(orthanc_identifier(patient, *given), patient, given)
                for patient in self._patients_of(given[0], fresh=fresh)
            ]
            found = [one for one in candidates if self._exists(LEVELS[len(given) - 1], one.identifier)]
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def _exists(self, level: str, identifier: str) -> bool:
        # The shortest answer that tells.
        return self.get(f"/{level}/{identifier}/metadata") is not None

    def _patients_of(self, study: str, *, fresh: bool) -> tuple[str, ...]:
        with self._lock:
            if not fresh and study in self._patients:
                self._patients.move_to_end(study)
                return self._patients[study]
        found = json.loads(self._sdk.RestApiPost("/tools/lookup", study.encode()))
        studies = [self.get(entry["Path"]) for entry in found if entry["Type"] == "Study"]
        patients = tuple(entry["PatientMainDicomTags"].get("PatientID", "") for entry in studies if entry)
        with self._lock:
            self._patients[study] = patients
            while len(self._patients) > MOST_STUDIES:
                self._patients.popitem(last=False)
        return patients

    def series_of_study(self, study: Located) -> list[Located]:
        """Return the series of a study."""
        series = self.get(f"/studies/{study.identifier}/series") or []
        return [study.below(entry["MainDicomTags"]["SeriesInstanceUID"]) for entry in series]

    def instances_of(self, resource: Located) -> Iterator[Located]:
        """Yield the instances of a study or a series, or the instance itself."""
        match len(resource.uids):
            case 1:
                for series in self.series_of_study(resource):
                    yield from self.instances_of(series)
            case 2:
                for entry in self.get(f"/series/{resource.identifier}/instances") or []:
                    yield resource.below(entry["MainDicomTags"]["SOPInstanceUID"])
            case _:
                yield resource
