"""A study of the archive, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from neuronova.archive.asking import Asking
from neuronova.platform.errors import PlatformError

_UID = re.compile(r"[0-9.]{1,64}")


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


def _find(asking: Asking, uid: str, patient: str | None) -> StoredStudy:
    if not _UID.fullmatch(uid):
        raise PlatformError(f"{uid!r} is no StudyInstanceUID")
    found = [one["ID"] for one in asking.json("POST", "/tools/lookup", data=uid) if one["Type"] == "Study"]
    all_described = [asking.json("GET", f"/studies/{identifier}") for identifier in found]
    held = {one["patient_id"]: one["issuer"] for one in _holdings(asking, uid)}
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


def _holdings(asking: Asking, uid: str) -> list[dict[str, str]]:
    patients: list[dict[str, str]] = asking.json("GET", "/neuronova/holdings", params={"study": uid})["patients"]
    return patients
