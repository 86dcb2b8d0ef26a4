"""A study of Orthanc's as the API is told of it: a pure function of what Orthanc and the register say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neuronova.contract.grants import Patient
from neuronova.contract.studies import LONGEST_TEXT, MOST_SERIES, Series, StudyChanged

_PADDING = " \0"


def changed(
    study: Mapping[str, Any],
    series: Sequence[Mapping[str, Any]],
    owners: Mapping[Patient, frozenset[str]],
    traceparent: str = "",
) -> list[StudyChanged]:
    """Return a study as it is under each patient that has some of its series.

    `study` and `series` are Orthanc's answers to `/studies/{id}` and `/studies/{id}/series`; `owners` says which
    SeriesInstanceUIDs are whose, `traceparent` in which trace it came. The name of the event is filled in where it is
    written down.
    """
    tags, patient_tags = study["MainDicomTags"], study["PatientMainDicomTags"]
    return [
        StudyChanged(
            writer="",
            sequence=0,
            orthanc=str(study["ID"]),
            study=_text(tags, "StudyInstanceUID"),
            patient_id=patient.patient_id,
            issuer=patient.issuer,
            patient_name=_text(patient_tags, "PatientName"),
            birth_date=_text(patient_tags, "PatientBirthDate"),
            sex=_text(patient_tags, "PatientSex"),
            accession_number=_text(tags, "AccessionNumber"),
            description=_text(tags, "StudyDescription"),
            date=_text(tags, "StudyDate"),
            time=_text(tags, "StudyTime"),
            series=tuple(sorted(theirs, key=lambda one: (_order(one.number), one.uid)))[:MOST_SERIES],
            traceparent=traceparent,
        )
        for patient, uids in owners.items()
        if (theirs := [_series(one) for one in series if one["MainDicomTags"].get("SeriesInstanceUID") in uids])
    ]


def _series(series: Mapping[str, Any]) -> Series:
    tags = series["MainDicomTags"]
    return Series(
        uid=_text(tags, "SeriesInstanceUID"),
        modality=_text(tags, "Modality"),
        number=_text(tags, "SeriesNumber"),
        description=_text(tags, "SeriesDescription"),
        body_part=_text(tags, "BodyPartExamined"),
        instances=len(series["Instances"]),
    )


def _text(tags: Mapping[str, Any], keyword: str) -> str:
    return str(tags.get(keyword, "")).strip(_PADDING).replace("\0", "")[:LONGEST_TEXT]


def _order(number: str) -> tuple[bool, int]:
    """Series without a number come last."""
    return (False, int(number)) if number.isascii() and number.lstrip("+-").isdigit() else (True, 0)
