"""A good resource of each type that is kept, and what is wrong with others that differ from it in one place."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any

Document = dict[str, Any]

HL7 = "http://terminology.hl7.org/CodeSystem"
KIM = {"reference": "Patient/kim"}
LEE = {"reference": "Practitioner/lee"}
SUBJECT = {"subject": KIM}
UNKNOWN = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}


def concept(system: str, code: str) -> Document:
    return {"coding": [{"system": system, "code": code}]}


def text(words: str) -> Document:
    return {"text": words}


GOOD: Mapping[str, Document] = {
    "AllergyIntolerance": {
        "clinicalStatus": concept(f"{HL7}/allergyintolerance-clinical", "active"),
        "verificationStatus": concept(f"{HL7}/allergyintolerance-verification", "confirmed"),
        "category": ["medication"],
        "criticality": "high",
        "code": text("iodinated contrast"),
        "patient": KIM,
        "onsetDateTime": "2019-05",
        "reaction": [{"manifestation": [text("urticaria")], "severity": "moderate"}],
    },
    "Appointment": {
        "status": "booked",
        "start": "2024-05-17T09:30:00+09:00",
        "end": "2024-05-17T09:50:00+09:00",
        "minutesDuration": 20,
        "participant": [{"actor": KIM, "status": "accepted", "required": "required"}],
    },
    "AuditEvent": {
        "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110100"},
        "action": "R",
        "recorded": "2024-05-17T00:30:00.125Z",
        "outcome": "0",
        "agent": [{"who": LEE, "requestor": True, "network": {"address": "192.0.2.1", "type": "2"}}],
        "source": {"observer": {"display": "gateway"}},
        "entity": [{"what": KIM, "name": "a chart"}],
    },
    "CareTeam": {
        "status": "active",
        "name": "Ward 5",
        **SUBJECT,
        "period": {"start": "2024-05-01", "end": "2024-05-31"},
        "participant": [{"role": [text("physician")], "member": LEE}],
    },
    "Condition": {
        "clinicalStatus": concept(f"{HL7}/condition-clinical", "resolved"),
        "verificationStatus": concept(f"{HL7}/condition-ver-status", "confirmed"),
        "category": [concept(f"{HL7}/condition-category", "problem-list-item")],
        "code": text("pneumonia"),
        **SUBJECT,
        "onsetAge": {"value": 61, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"},
        "abatementDateTime": "2024-05-17",
        "note": [{"authorString": "Lee", "time": "2024-05-17", "text": "Cleared on the second film."}],
    },
    "Device": {
        "status": "active",
        "manufacturer": "Acme",
        "deviceName": [{"name": "CT 1", "type": "user-friendly-name"}],
        "udiCarrier": [{"deviceIdentifier": "0123", "entryType": "barcode", "carrierAIDC": "QUJDRA=="}],
        "type": text("CT scanner"),
    },
    "DiagnosticReport": {
        "status": "final",
        "code": text("CT of the chest"),
        **SUBJECT,
        "effectivePeriod": {"start": "2024-05-17T09:30:00Z", "end": "2024-05-17T09:40:00Z"},
        "issued": "2024-05-17T10:00:00Z",
        "resultsInterpreter": [LEE],
        "imagingStudy": [{"reference": "ImagingStudy/chest"}],
        "conclusion": "No embolism.",
        "presentedForm": [{"contentType": "text/plain", "data": "Tm8gZW1ib2xpc20u"}],
    },
    "DocumentReference": {
        "status": "current",
        "docStatus": "final",
        **SUBJECT,
        "date": "2024-05-17T10:00:00Z",
        "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/first"}}],
        "content": [{"attachment": {"contentType": "application/pdf", "url": "https://hospital.test/report.pdf"}}],
    },
    "Encounter": {
        "status": "in-progress",
        "class": {"system": f"{HL7}/v3-ActCode", "code": "IMP"},
        **SUBJECT,
        "participant": [{"individual": LEE}],
        "period": {"start": "2024-05-17T09:00:00+09:00"},
        "location": [{"location": {"reference": "Location/w5"}, "status": "active"}],
    },
    "Endpoint": {
        "status": "active",
        "connectionType": {"system": f"{HL7}/endpoint-connection-type", "code": "dicom-wado-rs"},
        "payloadType": [text("DICOM")],
        "payloadMimeType": ["application/dicom"],
        "address": "https://hospital.test/dicom-web",
    },
    "ImagingStudy": {
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.826.0.1.3680043.8.498.1"}],
        "status": "available",
        **SUBJECT,
        "started": "2024-05-17T09:30:00+09:00",
        "numberOfSeries": 1,
        "numberOfInstances": 1,
        "series": [
            {
                "uid": "1.2.826.0.1.3680043.8.498.2",
                "number": 0,
                "modality": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"},
                "instance": [
                    {
                        "uid": "1.2.826.0.1.3680043.8.498.3",
                        "sopClass": {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840.10008.5.1.4.1.1.2"},
                    }
                ],
            }
        ],
    },
    "MedicationRequest": {
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": "#drug"},
        "contained": [{"resourceType": "Medication", "id": "drug", "code": text("amoxicillin")}],
        **SUBJECT,
        "dosageInstruction": [
            {
                "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d", "timeOfDay": ["08:00:00"]}},
                "doseAndRate": [{"doseQuantity": {"value": Decimal("0.50"), "unit": "g"}}],
            }
        ],
    },
    "Observation": {
        "status": "final",
        "category": [concept(f"{HL7}/observation-category", "laboratory")],
        "code": text("creatinine"),
        **SUBJECT,
        "effectiveDateTime": "2024-05-17T09:30:00+09:00",
        "issued": "2024-05-17T10:00:00Z",
        "valueQuantity": {
            "value": Decimal("13.20"),
            "comparator": "<",
            "unit": "mg/L",
            "system": "http://unitsofmeasure.org",
            "code": "mg/L",
        },
        "referenceRange": [{"low": {"value": 5}, "high": {"value": 12}}],
    },
    "Organization": {
        "name": "Hospital",
        "active": True,
        "telecom": [{"system": "phone", "value": "+82 2 000 0000", "use": "work"}],
        "address": [{"use": "work", "type": "both", "line": ["1 Main Street"], "city": "Seoul", "country": "KR"}],
    },
    "Patient": {
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Kim</div>'},
        "identifier": [{"use": "usual", "system": "https://hospital.test/mrn", "value": "KIM-1"}],
        "active": True,
        "name": [
            {"use": "official", "family": "김", "given": ["민준", None], "_given": [None, {"extension": [UNKNOWN]}]}
        ],
        "gender": "male",
        "birthDate": "1980-02-29",
        "_birthDate": {
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                    "valueDateTime": "1980-02-29T06:00:00+09:00",
                }
            ]
        },
        "multipleBirthInteger": 2,
        "contact": [{"name": {"family": "이"}, "gender": "female"}],
        "link": [{"other": {"reference": "Patient/other"}, "type": "seealso"}],
        "managingOrganization": {"reference": "#hospital"},
        "contained": [{"resourceType": "Organization", "id": "hospital", "name": "Hospital"}],
    },
    "Practitioner": {
        "name": [{"family": "Lee"}],
        "gender": "female",
        "photo": [{"contentType": "image/png", "data": "iVBORw0KGgo="}],
        "qualification": [{"code": text("radiologist"), "period": {"start": "2010"}}],
    },
    "PractitionerRole": {
        "active": True,
        "practitioner": LEE,
        "organization": {"reference": "Organization/h"},
        "availableTime": [
            {"daysOfWeek": ["mon", "fri"], "availableStartTime": "09:00:00", "availableEndTime": "17:00:00"}
        ],
    },
    "Provenance": {
        "target": [{"reference": "DiagnosticReport/chest/_history/2"}],
        "recorded": "2024-05-17T10:00:00Z",
        "agent": [{"who": LEE}],
        "entity": [{"role": "source", "what": {"reference": "ImagingStudy/chest"}}],
        "signature": [
            {
                "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}],
                "when": "2024-05-17T10:00:00Z",
                "who": LEE,
                "data": "QUJD",
            }
        ],
    },
    "ServiceRequest": {
        "status": "active",
        "intent": "order",
        "priority": "urgent",
        "code": text("CT of the chest"),
        "orderDetail": [text("with contrast")],
        **SUBJECT,
        "requester": LEE,
        "occurrencePeriod": {"start": "2024-05-17", "end": "2024-05-18"},
        "asNeededBoolean": False,
    },
    "Specimen": {
        "status": "available",
        "type": text("blood"),
        **SUBJECT,
        "collection": {
            "collectedDateTime": "2024-05-17T09:30:00+09:00",
            "quantity": {"value": Decimal("2.5"), "unit": "mL"},
        },
    },
    "Subscription": {
        "status": "requested",
        "reason": "The ward's screen.",
        "criteria": "Observation?status=final",
        "channel": {"type": "rest-hook", "endpoint": "https://hospital.test/hook", "payload": "application/fhir+json"},
    },
    "Task": {
        "status": "in-progress",
        "intent": "order",
        "priority": "routine",
        "focus": {"reference": "ServiceRequest/ct"},
        "for": KIM,
        "authoredOn": "2024-05-17T09:00:00Z",
        "lastModified": "2024-05-17T10:00:00Z",
        "restriction": {"repetitions": 1},
        "input": [{"type": text("dose"), "valueDecimal": Decimal("1.0")}],
    },
}


def good(kind: str, **changes: Any) -> Document:
    """Return the good resource of a type, with members replaced; None takes one out."""
    changed = {"resourceType": kind, **deepcopy(dict(GOOD[kind])), **changes}
    return {name: value for name, value in changed.items() if value is not None}


def everything() -> list[Document]:
    """Return every good resource, with an id to be told by."""
    return [good(kind, id=kind.lower()) for kind in GOOD]
