"""Patients, orders and studies that wait for a report, made by the FHIR interface."""

from __future__ import annotations

from typing import Any

from cdss_api.worklist.mapping import DCM, SNOMED
from tests.fhir.asking import Fhir, patient

STUDY = "1.2.826.0.1.3680043.8.498.{}"
IMAGING = [{"coding": [{"system": SNOMED, "code": "363679005"}]}]


def uid(number: int) -> str:
    return STUDY.format(number)


def person(number: int, **more: Any) -> dict[str, Any]:
    given = {"name": [{"family": "Hong", "given": ["Gildong"]}, {"family": "홍", "given": ["길동"]}]}
    return patient(f"P-{number}", **(given | {"birthDate": "1980-02-03", "gender": "male"} | more))


def order(subject: str, **more: Any) -> dict[str, Any]:
    known = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "category": IMAGING,
        "code": {"text": "CT of the head"},
        "orderDetail": [{"coding": [{"system": DCM, "code": "CT"}]}],
        "reasonCode": [{"text": "Headache"}],
        "subject": {"reference": f"Patient/{subject}"},
    }
    return known | more


def study(number: int, subject: str, orders: tuple[str, ...] = (), modality: str = "CT", **more: Any) -> dict[str, Any]:
    known = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid(number)}"}],
        "status": "available",
        "subject": {"reference": f"Patient/{subject}"},
        "started": "2027-01-15T08:00:00Z",
        "description": "Head",
        "modality": [{"system": DCM, "code": modality}],
        "series": [{"uid": f"{uid(number)}.1", "modality": {"system": DCM, "code": modality}}],
    }
    based = {"basedOn": [{"reference": f"ServiceRequest/{one}"} for one in orders]} if orders else {}
    return known | based | more


def examined(fhir: Fhir, number: int, modality: str = "CT", **more: Any) -> dict[str, str]:
    """Make a patient, their order and its study; return the ids."""
    whom = fhir.create(person(number))
    ordered = fhir.create(order(whom, **more))
    made = fhir.create(study(number, whom, (ordered,), modality))
    return {"patient": whom, "order": ordered, "study": made, "uid": uid(number)}
