"""Orders around the sample studies, as FHIR resources: pure. All of them say that they are of the demonstration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from neuronova.contract.issuer import PATIENT_ID
from neuronova.demo.studies import SUBJECTS

Resource = dict[str, Any]

_AE_TITLE = "urn:neuronova:ae-title"
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_SNOMED = "http://snomed.info/sct"
_ACCESSION = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}
_RADIOLOGY = {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD", "display": "Radiology"}
_REPORT = {"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}
_PRIOR = "demo-order-prior"


@dataclass(frozen=True)
class Person:
    """An invented patient."""

    key: str
    patient_id: str
    latin: tuple[str, str]  # family and given name
    korean: tuple[str, str] | None
    born: str
    gender: str


@dataclass(frozen=True)
class Order:
    """An examination of a person; `days` and `time` say when, counted from today."""

    key: str
    person: Person
    accession: str
    what: str
    modality: str
    why: str
    time: str
    days: int = 0
    priority: str = "routine"


_PHANTOM = Person("phantom", SUBJECTS[0].patient_id, ("Phantom", "Demo"), None, "1970-01-01", "other")
_HONG = Person("hong", SUBJECTS[1].patient_id, ("Hong", "Gildong"), ("홍", "길동"), "1970-01-01", "male")
_KIM = Person("kim", "DEMO-0003", ("Kim", "Minji"), ("김", "민지"), "1988-07-21", "female")
_LEE = Person("lee", "DEMO-0004", ("Lee", "Junho"), ("이", "준호"), "1955-11-02", "male")
_PARK = Person("park", SUBJECTS[2].patient_id, ("Park", "Sora"), ("박", "소라"), "1970-01-01", "female")
PEOPLE = (_PHANTOM, _HONG, _KIM, _LEE, _PARK)
ORDERS = (
    Order("demo-order-1", _PHANTOM, SUBJECTS[0].accession_number, "CT head", "CT", "Headache for a week", "08:30"),
    Order("demo-order-2", _HONG, SUBJECTS[1].accession_number, "뇌 CT", "CT", "낙상 후 두통", "09:10", priority="stat"),
    Order("demo-order-3", _KIM, "DEMO3", "MR of the knee", "MR", "Pain after a fall", "14:00"),
    Order("demo-order-4", _LEE, "DEMO4", "흉부 X선", "DX", "기침", "15:30", priority="urgent"),
    Order("demo-order-5", _PARK, SUBJECTS[2].accession_number, "MR brain", "MR", "Memory complaints", "09:40"),
    Order(_PRIOR, _HONG, "DEMO0", "CT head", "CT", "Follow-up", "10:00", days=-90),
)
_TEXT = (
    "CT head without contrast (demonstration).\n\nNo intracranial haemorrhage. Ventricles of normal width.\n\n"
    "결론: 급성 출혈 없음."
)


def patient(person: Person) -> Resource:
    """Return a Patient, without an id."""
    names = [person.latin] + ([person.korean] if person.korean else [])
    return {
        "resourceType": "Patient",
        "identifier": [{"system": PATIENT_ID, "value": person.patient_id}],
        "name": [{"family": family, "given": [given]} for family, given in names],
        "birthDate": person.born,
        "gender": person.gender,
    }


def resources(now: datetime, subjects: dict[str, str]) -> Iterator[Resource]:
    """Yield stations, orders and the prior report; `now` has a zone, `subjects` are Patients' ids by PatientID."""
    for modality in sorted({order.modality for order in ORDERS}):
        yield _station(modality)
    for order in ORDERS:
        yield _order(order, now, subjects[order.person.patient_id])
    yield _prior_report(now, subjects[_HONG.patient_id])


def _station(modality: str) -> Resource:
    return {
        "resourceType": "Device",
        "id": f"demo-{modality.lower()}",
        "identifier": [{"system": _AE_TITLE, "value": f"DEMO_{modality}"}],
        "type": {"coding": [{"system": _DCM, "code": modality}]},
    }


def _start(order: Order, now: datetime) -> str:
    hour, minute = map(int, order.time.split(":"))
    day = now + timedelta(days=order.days)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0).isoformat()


def _order(order: Order, now: datetime, subject: str) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": order.key,
        "status": "completed" if order.key == _PRIOR else "active",
        "intent": "order",
        "priority": order.priority,
        "identifier": [{"type": {"coding": [_ACCESSION]}, "value": order.accession}],
        "category": [{"coding": [{"system": _SNOMED, "code": "363679005", "display": "Imaging"}]}],
        "code": {"text": order.what},
        "orderDetail": [{"coding": [{"system": _DCM, "code": order.modality}]}],
        "reasonCode": [{"text": order.why}],
        "subject": {"reference": f"Patient/{subject}"},
        "performer": [{"reference": f"Device/demo-{order.modality.lower()}"}],
        "occurrenceDateTime": _start(order, now),
    }


def _prior_report(now: datetime, subject: str) -> Resource:
    """Return a signed report of an examination whose images are elsewhere."""
    prior = next(order for order in ORDERS if order.key == _PRIOR)
    return {
        "resourceType": "DiagnosticReport",
        "id": "demo-report-prior",
        "status": "final",
        "category": [{"coding": [_RADIOLOGY]}],
        "code": {"coding": [_REPORT], "text": prior.what},
        "subject": {"reference": f"Patient/{subject}"},
        "basedOn": [{"reference": f"ServiceRequest/{prior.key}"}],
        "effectiveDateTime": _start(prior, now),
        "issued": _start(prior, now),
        "conclusion": _TEXT,
    }
