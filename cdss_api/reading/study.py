"""What a list and an editor show of an ImagingStudy, its order and its patient: pure functions of the resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cdss_api.fhir.document import Document
from cdss_api.worklist.mapping import codings_of, patient_identity, text_of, typed_identifier
from cdss_api.worklist.names import is_east_asian, person_name
from cdss_api.worklist.texts import TooLong

DICOM_UID = "urn:dicom:uid"
OID = "urn:oid:"
PRIORITIES = ("stat", "asap", "urgent", "routine")  # the most pressing first (FHIR R4, request-priority)


def study_uid_of(study: Document) -> str:
    """Return the StudyInstanceUID (0020,000D), or nothing where the resource names none."""
    for one in study.get("identifier", ()):
        if one.get("system") == DICOM_UID:
            return str(one.get("value", "")).removeprefix(OID)
    return ""


def modalities_of(study: Document) -> list[str]:
    """Return the codes of its modalities, each once."""
    codes = [one.get("code") for one in study.get("modality", ())]
    codes += [(one.get("modality") or {}).get("code") for one in study.get("series", ())]
    return sorted({str(code) for code in codes if code})


def description_of(study: Document, orders: Iterable[Document]) -> str:
    """Return how the examination is called: by the study, else its procedures, else its orders."""
    called = [str(study.get("description", "")), *(text_of(one) for one in study.get("procedureCode", ()))]
    called += [text_of(order.get("code")) for order in orders]
    return next((one for one in called if one.strip()), "")


def body_parts_of(study: Document) -> list[str]:
    """Return what the series say of the body part, in any wording."""
    sites = [series.get("bodySite") or {} for series in study.get("series", ())]
    return sorted({str(site[name]) for site in sites for name in ("code", "display") if site.get(name)})


def orders_of(study: Document) -> list[str]:
    """Return the ids of the ServiceRequests that a study, or a report, is based on."""
    return _ids(study.get("basedOn", ()), "ServiceRequest")


def subject_of(resource: Document) -> str:
    """Return the id of the Patient that a resource is about, or nothing."""
    return next(iter(_ids([resource.get("subject") or {}], "Patient")), "")


def priority_of(orders: Iterable[Document]) -> str:
    """Return the most pressing priority; an order without one is routine (FHIR R4 12.2.5)."""
    found = [str(order.get("priority", "routine")) for order in orders]
    return min((one for one in found if one in PRIORITIES), key=PRIORITIES.index, default="routine")


def person(patient: Document | None) -> dict[str, str]:
    """Return what identifies a patient to a person: name, PatientID with its issuer, date of birth, sex."""
    if patient is None:
        return {"name": "", "patient_id": "", "issuer": "", "birth_date": "", "sex": ""}
    return {
        "name": shown_name(patient),
        **identity(patient),
        "birth_date": str(patient.get("birthDate", "")),
        "sex": str(patient.get("gender", "")),
    }


def identity(patient: Document) -> dict[str, str]:
    """Return PatientID and issuer, empty where DICOM cannot carry them."""
    try:
        found = patient_identity(patient)
    except TooLong:
        found = None
    patient_id, issuer = found or ("", "")
    return {"patient_id": patient_id, "issuer": issuer}


def shown_name(patient: Document) -> str:
    """Return all writings of a name, as a person reads them: Hangul, Hanja and Kana without a space in between."""
    groups = person_name(patient.get("name", ())).split("=")
    return " / ".join(_written(group) for group in groups if group)


def order_shown(order: Document) -> dict[str, str]:
    """Return what a list tells of an order."""
    reasons = [text_of(one) for one in order.get("reasonCode", ())]
    return {
        "id": str(order["id"]),
        "accession_number": typed_identifier(order, "ACSN"),
        "description": text_of(order.get("code")),
        "indication": ", ".join(one for one in reasons if one),
        "status": str(order.get("status", "")),
    }


def codes_in(concept: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return (system, code) of each coding of a concept."""
    return [(str(one.get("system", "")), str(one.get("code", ""))) for one in codings_of(concept)]


def _written(group: str) -> str:
    parts = group.replace("^", " ").split()
    return ("" if all(is_east_asian(part) for part in parts) else " ").join(parts)


def _ids(references: Iterable[Mapping[str, Any]], kind: str) -> list[str]:
    found = [str(one.get("reference", "")).split("/") for one in references]
    return [parts[-1] for parts in found if len(parts) >= 2 and parts[-2] == kind]
