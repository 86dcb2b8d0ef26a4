"""A judged series as the API is told of it: a pure function of what Orthanc, the register and the rules say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuronova.contract.ai.judged import SeriesJudged, series_from_json
from neuronova.contract.grants import Patient

_PADDING = " \0"


class Ambiguous(ValueError):
    """The API cannot be told of a series; the message says why."""


def judged(
    series: Mapping[str, Any],
    study: Mapping[str, Any],
    owners: Mapping[Patient, frozenset[str]],
    said: Mapping[str, Any],
    traceparent: str = "",
) -> SeriesJudged | None:
    """Return what the API is told; None while it is not known whose the series is.

    `series` and `study` are Orthanc's answers about them, `owners` says which SeriesInstanceUIDs are whose, and `said`
    is the answer of `orthanc_plugins.workers.judging.judge`. `traceparent` is the span of
    this judgement. Writer and number are filled in where it is written down.

    Raises:
        Ambiguous: it is of several patients, or has what the contract has no place for.
    """
    uid = _text(series, "SeriesInstanceUID")
    patients = [patient for patient, uids in owners.items() if uid in uids]
    if not patients:
        return None
    if len(patients) > 1:
        raise Ambiguous("its images are of several patients")
    try:
        return series_from_json(
            {
                "writer": "",
                "sequence": 0,
                "orthanc": str(series["ID"]),
                "study": _text(study, "StudyInstanceUID"),
                "series": uid,
                "patient_id": patients[0].patient_id,
                "issuer": patients[0].issuer,
                "accession_number": _text(study, "AccessionNumber"),
                "modality": _text(series, "Modality"),
                "instances": said["images"],
                "input_hash": said["input_hash"],
                "uids_hash": said["uids_hash"],
                "asked": said["asked"],
                "sent": said["sent"],
                "traceparent": traceparent,
            }
        )
    except ValueError as odd:
        raise Ambiguous(str(odd)) from None


def _text(described: Mapping[str, Any], keyword: str) -> str:
    return str(described["MainDicomTags"].get(keyword, "")).strip(_PADDING)
