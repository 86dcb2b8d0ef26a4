"""FHIR resources of these tests: an order for a CT of Hong, with what is known around it."""

from __future__ import annotations

import copy
from typing import Any

from cdss_api.worklist.mapping import AE_TITLE, DCM, SNOMED, Surroundings

Resource = dict[str, Any]
META = {"versionId": "1", "lastUpdated": "2026-03-31T00:00:00.000Z"}
_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"


def patient(**more: Any) -> Resource:
    known = {
        "resourceType": "Patient",
        "id": "hong",
        "meta": META,
        "identifier": [{"system": "urn:neuronova:issuer:HOSPITAL", "value": "P-100"}],
        "name": [
            {"family": "Hong", "given": ["Gildong"]},
            {"family": "홍", "given": ["길동"]},
            {"family": "洪", "given": ["吉洞"]},
        ],
        "birthDate": "1980-02-03",
        "gender": "male",
    }
    return known | more


def order(**more: Any) -> Resource:
    known = {
        "resourceType": "ServiceRequest",
        "id": "order-1",
        "meta": META,
        "status": "active",
        "intent": "order",
        "identifier": [typed("ACSN", "ACC-1")],
        "category": [{"coding": [{"system": SNOMED, "code": "363679005"}]}],
        "code": {"text": "CT 뇌", "coding": [{"system": SNOMED, "code": "303653007", "display": "CT of head"}]},
        "orderDetail": [{"coding": [{"system": DCM, "code": "CT"}]}],
        "subject": {"reference": "Patient/hong"},
        "occurrenceDateTime": "2026-04-01T09:30:00+09:00",
        "performer": [{"reference": "Device/ct1"}, {"reference": "Practitioner/kim"}],
        "requester": {"reference": "Practitioner/lee"},
    }
    return copy.deepcopy(known | more)


def typed(kind: str, value: str) -> Resource:
    return {"type": {"coding": [{"system": _TYPES, "code": kind}]}, "value": value}


def device(id_: str = "ct1", title: str = "CT_ONE") -> Resource:
    identifier = [{"system": "urn:serial", "value": "12"}, {"system": AE_TITLE, "value": title}]
    return {"resourceType": "Device", "id": id_, "meta": META, "identifier": identifier}


def practitioner(id_: str, family: str) -> Resource:
    return {"resourceType": "Practitioner", "id": id_, "meta": META, "name": [{"family": family, "given": ["A"]}]}


def weight(value: object, at: str, unit: str = "kg", status: str = "final") -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"weight-{at}".replace(":", "-").replace("+", "-"),
        "meta": META,
        "status": status,
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": "Patient/hong"},
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "code": unit, "system": "http://unitsofmeasure.org"},
    }


def allergy(text: str, clinical: str = "active", verification: str = "confirmed") -> Resource:
    systems = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"
    return {
        "resourceType": "AllergyIntolerance",
        "id": f"allergy-{text.encode().hex()}",
        "meta": META,
        "clinicalStatus": {"coding": [{"system": systems + "clinical", "code": clinical}]},
        "verificationStatus": {"coding": [{"system": systems + "verification", "code": verification}]},
        "code": {"text": text},
        "patient": {"reference": "Patient/hong"},
    }


def appointment(start: str, *devices: str, status: str = "booked") -> Resource:
    return {
        "resourceType": "Appointment",
        "id": "appointment",
        "meta": META,
        "status": status,
        "start": start,
        "end": start,
        "basedOn": [{"reference": "ServiceRequest/order-1"}],
        "participant": [{"actor": {"reference": f"Device/{one}"}, "status": "accepted"} for one in devices],
    }


def around(**more: Any) -> Surroundings:
    directory = [device(), device("ct2", "CT_TWO"), practitioner("kim", "Kim"), practitioner("lee", "Lee")]
    known: dict[str, Any] = {
        "patient": patient(),
        "directory": {f"{one['resourceType']}/{one['id']}": one for one in directory},
    }
    return Surroundings(**known | more)
