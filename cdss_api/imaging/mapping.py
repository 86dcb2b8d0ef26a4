"""A study of Orthanc's as FHIR R4 resources: pure functions; docs/imaging.md lists which attribute gives what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from cdss_api.fhir.document import Document
from cdss_api.worklist.mapping import DCM
from cdss_api.worklist.names import REPRESENTATION
from cdss_api.worklist.texts import plain
from neuronova.contract.grants import Patient
from neuronova.contract.issuer import system_of
from neuronova.contract.studies import Series, StudyChanged

ENDPOINT_ID = "dicomweb"
IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
DICOM_UID = "urn:dicom:uid"
DAY = 86400.0  # seconds
# What of an ImagingStudy is Orthanc's to say; the rest is left as somebody wrote it.
OURS = frozenset(
    {
        *("resourceType", "identifier", "status", "subject", "started", "basedOn", "endpoint", "modality"),
        *("description", "numberOfSeries", "numberOfInstances", "series"),
    }
)
_CONNECTION_TYPES = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
_GENDERS = {"M": "male", "F": "female", "O": "other"}
_GROUPS = ("ABC", "IDE", "SYL")  # the component groups of a PN (PS3.5 6.2.1.1) in ISO 21090's codes
_LONGEST = 1024
_LARGEST = 2**31 - 1
_TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.\d{1,6})?)?)?", re.ASCII)  # VR TM, and ACR-NEMA's with colons
_MODALITY = re.compile(r"[A-Z0-9_]{2,16}", re.ASCII)


def imaging_study(
    sent: StudyChanged, subject: dict[str, Any], orders: Sequence[str], zone: tzinfo | None = None
) -> Document:
    """Return the ImagingStudy, without id and meta; `zone` is the hospital's, by default that of this machine.

    `subject` is a Reference, `orders` are ids of ServiceRequests.
    """
    series = [_series(one) for one in sent.series]
    identifiers: list[dict[str, Any]] = [{"system": DICOM_UID, "value": f"urn:oid:{sent.study}"}]
    accession = plain(sent.accession_number, _LONGEST)
    if accession:
        coding = {"system": IDENTIFIER_TYPES, "code": "ACSN"}
        identifiers.append({"type": {"coding": [coding]}, "value": accession})
    document = {
        "resourceType": "ImagingStudy",
        "identifier": identifiers,
        "status": "available",
        "modality": [{"system": DCM, "code": code} for code in sorted({one["modality"]["code"] for one in series})],
        "subject": subject,
        "started": started(sent.date, sent.time, zone),
        "basedOn": [{"reference": f"ServiceRequest/{order}"} for order in orders],
        "endpoint": [{"reference": f"Endpoint/{ENDPOINT_ID}"}],
        "numberOfSeries": len(series),
        "numberOfInstances": sum(one.instances for one in sent.series),
        "description": plain(sent.description, _LONGEST),
        "series": series,
    }
    return _without_empty(document)


def patient(sent: StudyChanged) -> Document:
    """Return the Patient that a study's own values describe, without id and meta."""
    born = _date(sent.birth_date)
    return _without_empty(
        {
            "resourceType": "Patient",
            "identifier": [identifier_of(Patient(sent.patient_id, sent.issuer))],
            "name": human_names(sent.patient_name),
            "gender": _GENDERS.get(sent.sex.upper(), ""),
            "birthDate": "" if born is None else born.isoformat(),
        }
    )


def endpoint(address: str) -> Document:
    """Return the Endpoint of the platform's DICOMweb, of which `address` is the public root, without meta."""
    return {
        "resourceType": "Endpoint",
        "id": ENDPOINT_ID,
        "status": "active",
        "connectionType": {"system": _CONNECTION_TYPES, "code": "dicom-wado-rs"},
        "name": "DICOMweb",
        "payloadType": [{"text": "DICOM"}],
        "payloadMimeType": ["application/dicom"],
        "address": address,
    }


def identifier_of(whom: Patient) -> dict[str, Any]:
    """Return PatientID and issuer as an Identifier."""
    return {"system": system_of(whom.issuer), "value": whom.patient_id}


def human_names(text: str) -> list[dict[str, Any]]:
    """Return a PN as HumanNames, one a component group, each saying in which writing it is."""
    names = []
    groups = text.split("=")[: len(_GROUPS)]
    for code, group in zip(_GROUPS, groups, strict=False):
        family, given, middle, prefix, suffix = (
            [plain(part, _LONGEST) for part in group.split("^")] + [""] * len("FGMPS")
        )[:5]
        name = _without_empty(
            {
                "family": family,
                "given": [part for part in (given, *middle.split()) if part],
                "prefix": [prefix] if prefix else [],
                "suffix": [suffix] if suffix else [],
            }
        )
        if name:
            writing = [{"url": REPRESENTATION, "valueCode": code}] if len(groups) > 1 else []
            names.append(_without_empty({"extension": writing}) | name)
    return names


def started(day: str, time: str, zone: tzinfo | None) -> str:
    """Return StudyDate and StudyTime as a dateTime: with a zone where there is a time, empty where there is no date."""
    found = _date(day)
    if found is None:
        return ""
    clock = _TIME.fullmatch(time)
    try:
        hour, minute, second = (int(part or 0) for part in clock.groups()) if clock else (0, 0, 0)
        moment = datetime(found.year, found.month, found.day, hour, minute, second, tzinfo=zone)
    except ValueError:
        clock = None
    if clock is None:
        return found.isoformat()
    return (moment if zone else moment.astimezone()).isoformat()


def _series(series: Series) -> dict[str, Any]:
    number = int(series.number) if series.number.isascii() and series.number.isdigit() else -1
    code = series.modality if _MODALITY.fullmatch(series.modality) else "OT"
    return _without_empty(
        {
            "uid": series.uid,
            "number": number if 0 <= number <= _LARGEST else None,
            "modality": {"system": DCM, "code": code},
            "description": plain(series.description, _LONGEST),
            "numberOfInstances": series.instances,
            "bodySite": _without_empty({"display": plain(series.body_part, _LONGEST)}),
        }
    )


def end_of_day(day: str) -> float | None:
    """Return when a StudyDate (DA) is over in UTC, in seconds since the epoch; None where it is no date."""
    found = _date(day)
    return None if found is None else datetime(found.year, found.month, found.day, tzinfo=UTC).timestamp() + DAY


def _date(text: str) -> date | None:
    """Return a value of VR DA, or ACR-NEMA's with dots."""
    digits = text.replace(".", "")
    if len(digits) != len("YYYYMMDD") or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _without_empty(document: Document) -> Document:
    """FHIR R4 2.6.1: an element is never empty."""
    return {name: value for name, value in document.items() if value not in (None, "", [], {})}
