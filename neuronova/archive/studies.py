"""A study of the archive, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from neuronova.archive.asking import Asking
from neuronova.contract.grants import Patient
from neuronova.platform.errors import PlatformError

_UID = re.compile(r"[0-9.]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredStudy:
    """A study under one patient: `identifier` is Orthanc's, `instances` how many objects."""

    identifier: str
    uid: str
    patient_id: str
    issuer: str
    instances: int


def find_studies(asking: Asking, uids: Sequence[str], patient: str | None = None) -> list[StoredStudy]:
    """Return the studies of these StudyInstanceUIDs, in order, each once.

    Raises:
        PlatformError: one is not there, or is there under several patients and `patient` (a PatientID) names none.
    """
    return [_find(asking, uid, patient) for uid in dict.fromkeys(uids)]


def identifiers(asking: Asking, uid: str) -> list[str]:
    """Return Orthanc's identifiers of a StudyInstanceUID: one for each PatientID under which it is there.

    Raises:
        PlatformError: it is no UID, or nothing answers.
    """
    if not _UID.fullmatch(uid):
        raise PlatformError(f"{uid!r} is no StudyInstanceUID")
    return [one["ID"] for one in asking.json("POST", "/tools/lookup", data=uid) if one["Type"] == "Study"]


def patients_of(asking: Asking, uid: str) -> list[Patient]:
    """Return the patients under whom a StudyInstanceUID is there."""
    told = asking.json("GET", "/neuronova/holdings", params={"study": uid})["patients"]
    return [Patient(one["patient_id"], one["issuer"]) for one in told]


def _find(asking: Asking, uid: str, patient: str | None) -> StoredStudy:
    all_described = [asking.json("GET", f"/studies/{identifier}") for identifier in identifiers(asking, uid)]
    held = {one.patient_id: one.issuer for one in patients_of(asking, uid)}
    described = [one for one in all_described if patient is None or _patient_id(one) == patient]
    if not described:
        raise PlatformError(f"there is no study {uid}" + ("" if patient is None else f" of patient {patient}"))
    if len(described) > 1:
        raise PlatformError(f"study {uid} is there under several patients; choose one by --patient")
    (one,) = described
    statistics = asking.json("GET", f"/studies/{one['ID']}/statistics")
    return StoredStudy(
        identifier=one["ID"],
        uid=uid,
        patient_id=_patient_id(one),
        issuer=held.get(_patient_id(one), ""),
        instances=int(statistics["CountInstances"]),
    )


def _patient_id(described: dict[str, dict[str, str]]) -> str:
    return described["PatientMainDicomTags"].get("PatientID", "")
