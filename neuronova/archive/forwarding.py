"""Stored studies for forwarding: what the rules say of each series, and a study's series as they are sent by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neuronova.archive.asking import Asking, OddAnswer
from neuronova.archive.series import Stored, read_series
from neuronova.archive.studies import identifiers, patients_of
from neuronova.contract.ai.judged import input_hash
from neuronova.contract.forwarding.rules import ForwardingRule, reasons_against
from neuronova.contract.grants import Patient
from neuronova.platform.errors import PlatformError


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What each rule says of a series: why not, or nothing; `problem` is why it could not be read."""

    stored: Stored
    described: str = ""
    reasons: tuple[tuple[ForwardingRule, tuple[str, ...]], ...] = ()
    problem: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSeries:
    """A series by Orthanc's identifier, its patient and the hash over its files."""

    orthanc: str
    series: str
    images: int
    patient: Patient
    input_hash: str


def dry_run(asking: Asking, stored: Iterable[Stored], rules: Sequence[ForwardingRule]) -> Iterator[Said]:
    """Yield what the rules say of each series; nothing is sent.

    Raises:
        PlatformError: the platform does not answer any more.
    """
    for one in stored:
        try:
            series = read_series(asking, one)
        except OddAnswer as error:
            yield Said(stored=one, problem=str(error))
            continue
        described = f"{series.text('Modality')}, {len(series.instances)} images"
        reasons = tuple((rule, reasons_against(rule, series)) for rule in rules)
        yield Said(stored=one, described=described, reasons=reasons)


def series_of_study(asking: Asking, study: str) -> list[StoredSeries]:
    """Return the series of a StudyInstanceUID.

    Raises:
        PlatformError: it is no UID, there is none, it is of several patients that Orthanc cannot tell apart, or nothing
            answers.
    """
    found = identifiers(asking, study)
    if not found:
        raise PlatformError(f"no study {study} is stored")
    patients = patients_of(asking, study)
    series = []
    for orthanc in found:
        patient_id = str(asking.json("GET", f"/studies/{orthanc}")["PatientMainDicomTags"].get("PatientID", ""))
        of = [one for one in patients if one.patient_id == patient_id.strip(" \0")]
        if len(of) != 1:
            raise PlatformError(f"the study {study} is of several patients, or of one that is not known yet")
        series += [_stored(asking, one, of[0]) for one in asking.json("GET", f"/studies/{orthanc}/series")]
    return series


def _stored(asking: Asking, described: Mapping[str, Any], patient: Patient) -> StoredSeries:
    files = [
        (one["MainDicomTags"]["SOPInstanceUID"], asking.text(f"/instances/{one['ID']}/attachments/dicom/md5"))
        for one in asking.json("GET", f"/series/{described['ID']}/instances")
    ]
    return StoredSeries(
        orthanc=described["ID"],
        series=described["MainDicomTags"]["SeriesInstanceUID"],
        images=len(files),
        patient=patient,
        input_hash=input_hash(files),
    )
