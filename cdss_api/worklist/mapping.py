"""One imaging order as a worklist entry: a pure function of the FHIR R4 resources that it is about.

Which element gives which attribute is listed in docs/worklist.md.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from cdss_api.fhir.document import Document
from cdss_api.fhir.moment import span
from cdss_api.worklist.names import person_name
from cdss_api.worklist.texts import LONG, SHORT, TooLong, identifier, plain
from neuronova.contract.issuer import PATIENT_ID, issuer_of
from neuronova.contract.worklist import Code, Entry, Step

AE_TITLE = "urn:neuronova:ae-title"  # the identifier system of a Device's application entity title
DCM = "http://dicom.nema.org/resources/ontology/DCM"
SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
BODY_WEIGHT = "29463-7"
_IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_IMAGING = frozenset({(SNOMED, "363679005"), (LOINC, "LP29684-5")})  # Imaging; Radiology
_INTENTS = ("order", "original-order", "reflex-order", "filler-order", "instance-order")
_SCHEMES = {SNOMED: "SCT", LOINC: "LN", DCM: "DCM", "http://radlex.org": "RADLEX", "http://www.radlex.org": "RADLEX"}
_LOCAL = "L"  # PS3.16 8.2: a scheme that a site defines is 99..., or L where nothing more is known
_MODALITY = re.compile("[A-Z]{2,16}")  # the Defined Terms of (0008,0060): PS3.16 CID 29 has them as DCM codes
SEXES = {"male": "M", "female": "F", "other": "O"}
_KILOGRAMS = {"kg": Decimal(1), "g": Decimal("0.001"), "[lb_av]": Decimal("0.45359237")}
_MEASURED = ("final", "amended", "corrected")
_NOT_HELD = ("refuted", "entered-in-error")
_HELD_APPOINTMENT = ("booked", "arrived", "checked-in", "fulfilled")
_DONE_TASK = ("completed",)
_NO_TASK = ("cancelled", "rejected", "failed", "entered-in-error")
_STUDIES = uuid.UUID("5b0d6f0c-2d0e-4f6b-9a55-1f4f1b1a7f5e")  # our own name space for StudyInstanceUIDs
_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
UID = re.compile(r"(?=.{1,64}$)(0|[1-9]\d*)(\.(0|[1-9]\d*))+", re.ASCII)
_TITLE = re.compile(r"[ -\[\]-~]{1,16}")  # VR AE


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What is known beside an order: only what concerns it, the newest first; `directory` is by `TYPE/ID`."""

    patient: Document
    weights: Sequence[Document] = ()
    allergies: Sequence[Document] = ()
    appointments: Sequence[Document] = ()
    tasks: Sequence[Document] = ()
    directory: Mapping[str, Document]


def entry_of(order: Document, around: Surroundings, zone: tzinfo | None = None) -> Entry | None:
    """Return the entry of an order, None where no modality is to carry it out (now); `zone` is the hospital's.

    Raises:
        TooLong: an identifier does not fit into DICOM (PS3.5 6.2).
    """
    if not _is_due(order, around.tasks):
        return None
    patient = patient_identity(around.patient)
    if patient is None:
        return None
    accession = identifier(typed_identifier(order, "ACSN"), SHORT)
    number = accession or order["id"][-SHORT:]
    code = _code(order.get("code"))
    description = text_of(order.get("code")) or "Imaging"
    references, date, time = plan_of(order, around.appointments, around.tasks, zone)
    performers = [
        around.directory[link] for one in references if (link := str(one.get("reference"))) in around.directory
    ]
    devices = [one for one in performers if one["resourceType"] == "Device"]
    return Entry(
        order=order["id"],
        patient_id=patient[0],
        issuer=patient[1],
        patient_name=person_name(around.patient.get("name", ())),
        birth_date=birth_date(around.patient),
        sex=SEXES.get(around.patient.get("gender", ""), ""),
        weight=_weight(around.weights),
        allergies=tuple(_allergies(around.allergies)),
        accession_number=accession,
        requesting_physician=_practitioner([around.directory.get(link_to(order.get("requester")), {})]),
        procedure_id=number,
        procedure_description=description,
        procedure_code=code,
        study_uid=study_uid(order),
        step=Step(
            id=number,
            station_titles=tuple(dict.fromkeys(station_titles(references, devices))),
            modality=modality_of(order, devices),
            date=date,
            time=time,
            description=description,
            code=code,
            performing_physician=_practitioner(performers),
        ),
    )


def plan_of(
    order: Document, appointments: Iterable[Document], tasks: Iterable[Document], zone: tzinfo | None = None
) -> tuple[list[Mapping[str, Any]], str, str]:
    """Return references to who and what carries an order out, and its date (DA) and time (TM)."""
    held = [one for one in appointments if one.get("status") in _HELD_APPOINTMENT]
    open_tasks = [one for one in tasks if one.get("status") not in _NO_TASK]
    return [*performers_of(order, held, open_tasks)], *_start(order, held, open_tasks, zone)


def links_of(order: Document, appointments: Iterable[Document], tasks: Iterable[Document]) -> set[str]:
    """Return the `TYPE/ID`s of the directory that an entry may name: who ordered, who carries out, on what."""
    found = {link_to(one) for one in (order.get("requester"), *performers_of(order, appointments, tasks))}
    return {link for link in found if link.startswith(("Device/", "Practitioner/"))}


def _is_due(order: Document, tasks: Iterable[Document]) -> bool:
    if order.get("status") != "active" or order.get("intent") not in _INTENTS or order.get("doNotPerform"):
        return False
    return not any(task.get("status") in _DONE_TASK for task in tasks) and is_imaging(order)


def is_imaging(order: Document) -> bool:
    """Tell whether an order is for imaging."""
    concepts = (*order.get("category", ()), order.get("code"), *order.get("orderDetail", ()))
    codings = [one for concept in concepts for one in codings_of(concept)]
    return any((one.get("system"), one.get("code")) in _IMAGING or _is_modality(one) for one in codings)


def performers_of(
    order: Document, appointments: Iterable[Document], tasks: Iterable[Document]
) -> Iterator[Mapping[str, Any]]:
    """Yield references to who and what carries it out: what was scheduled last before what was ordered."""
    for appointment in appointments:
        yield from (one["actor"] for one in appointment.get("participant", ()) if "actor" in one)
    yield from (task["owner"] for task in tasks if "owner" in task)
    yield from order.get("performer", ())


def station_titles(references: Iterable[Mapping[str, Any]], devices: Iterable[Document]) -> Iterator[str]:
    """Yield the AE titles of stations: of references that name one, and of devices."""
    named = [one["identifier"] for one in references if "identifier" in one]
    for one in (*named, *(each for device in devices for each in device.get("identifier", ()))):
        title = str(one.get("value", "")).strip()
        if one.get("system") == AE_TITLE and _TITLE.fullmatch(title):
            yield title


def modality_of(order: Document, devices: Iterable[Document]) -> str:
    """Return the modality (0008,0060) of an order."""
    concepts = [*order.get("orderDetail", ()), order.get("code"), *order.get("category", ())]
    concepts += [device.get("type") for device in devices]
    return next((one["code"] for concept in concepts for one in codings_of(concept) if _is_modality(one)), "OT")


def _is_modality(coding: Mapping[str, Any]) -> bool:
    return coding.get("system") == DCM and _MODALITY.fullmatch(str(coding.get("code"))) is not None


def _start(
    order: Document, appointments: Iterable[Document], tasks: Iterable[Document], zone: tzinfo | None
) -> tuple[str, str]:
    """Return date and time of the step, which have to have a value (PS3.4 K.6.1.2.2): the surest first."""
    planned = [one.get("start") for one in appointments]
    planned += [one.get("executionPeriod", {}).get("start") for one in tasks]
    planned += [order.get("occurrenceDateTime"), order.get("occurrencePeriod", {}).get("start")]
    planned += order.get("occurrenceTiming", {}).get("event", ())
    planned += [order.get("authoredOn"), order["meta"]["lastUpdated"]]
    return next(found for one in planned if one and (found := _moment(str(one), zone)) is not None)


def _moment(text: str, zone: tzinfo | None) -> tuple[str, str] | None:
    """Return DA and TM; None for a month or a year, on which nobody is scheduled.

    An offset that is written is taken for the hospital's own: its clock shows what stands before it. `Z` names no
    clock, so it is turned into the hospital's zone.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, offset = found.groups()
    if offset == "Z":
        local = datetime.fromisoformat(f"{text[:10]}T{hour}:{minute}:{second or '00'}+00:00").astimezone(zone)
        return local.strftime("%Y%m%d"), local.strftime("%H%M%S")
    return f"{year}{month}{day}", f"{hour or '00'}{minute or '00'}{second or '00'}"


def patient_identity(patient: Document) -> tuple[str, str] | None:
    """Return PatientID and issuer: a medical record number before any other identifier that is in use."""
    known = [one for one in patient.get("identifier", ()) if one.get("value") and one.get("use") != "old"]
    if not known:
        return None
    best = min(known, key=lambda one: (not _is_typed(one, "MR"), one.get("system") != PATIENT_ID))
    system = best.get("system", PATIENT_ID)
    return identifier(best["value"], LONG), identifier(issuer_of(system), LONG)


def study_uid(order: Document) -> str:
    """Return the UID that the order names, else one that is always the same for it (PS3.5 B.2)."""
    for one in order.get("identifier", ()):
        value = str(one.get("value", "")).removeprefix("urn:oid:")
        if one.get("system") == "urn:dicom:uid" and UID.fullmatch(value):
            return value
    return f"2.25.{uuid.uuid5(_STUDIES, order['id']).int}"


def _weight(observations: Iterable[Document]) -> str:
    """Return the newest body weight in kilograms (VR DS)."""
    measured = [one for one in observations if one.get("status") in _MEASURED and "valueQuantity" in one]
    for one in sorted(measured, key=_measured_at, reverse=True):
        quantity = one["valueQuantity"]
        factor = _KILOGRAMS.get(quantity.get("code") or quantity.get("unit"))
        if factor is not None and "value" in quantity:
            return f"{Decimal(quantity['value']) * factor:.6f}".rstrip("0").rstrip(".")[:SHORT]
    return ""


def _measured_at(observation: Document) -> int:
    period = observation.get("effectivePeriod", {})
    at = observation.get("effectiveDateTime") or observation.get("effectiveInstant") or period.get("end")
    return span(str(at or period.get("start") or observation["meta"]["lastUpdated"])).low


def _allergies(found: Iterable[Document]) -> Iterator[str]:
    for one in found:
        clinical = {coding.get("code") for coding in codings_of(one.get("clinicalStatus"))}
        verified = {coding.get("code") for coding in codings_of(one.get("verificationStatus"))}
        if clinical <= {"active", "recurrence", "relapse"} and not verified.intersection(_NOT_HELD):
            text = text_of(one.get("code"))
            if text:
                yield text


def _practitioner(found: Iterable[Document]) -> str:
    return next((person_name(one.get("name", ())) for one in found if one.get("resourceType") == "Practitioner"), "")


def birth_date(patient: Document) -> str:
    """Return a birth date as DA, empty where it is no whole date."""
    found = _moment(str(patient.get("birthDate", "")), None)
    return "" if found is None else found[0]


def typed_identifier(resource: Document, kind: str) -> str:
    """Return the value of the first identifier of a type of HL7 v2's table 0203."""
    return next((one.get("value", "") for one in resource.get("identifier", ()) if _is_typed(one, kind)), "")


def _is_typed(one: Mapping[str, Any], kind: str) -> bool:
    return any(
        coding.get("code") == kind and coding.get("system", _IDENTIFIER_TYPES) == _IDENTIFIER_TYPES
        for coding in codings_of(one.get("type"))
    )


def _code(concept: Mapping[str, Any] | None) -> Code | None:
    """Return the first coding that fits into a code sequence (PS3.3 8.8)."""
    for one in codings_of(concept):
        try:
            value = identifier(one.get("code"), SHORT)
        except TooLong:
            continue
        if value:
            meaning = plain(one.get("display") or (concept or {}).get("text") or value, LONG)
            return Code(value=value, scheme=_SCHEMES.get(one.get("system", ""), _LOCAL), meaning=meaning)
    return None


def text_of(concept: Mapping[str, Any] | None) -> str:
    """Return how a concept is called."""
    called = (concept or {}).get("text") or next(
        (one["display"] for one in codings_of(concept) if "display" in one), ""
    )
    return plain(called or next((one.get("code") for one in codings_of(concept)), ""), LONG)


def codings_of(concept: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    """Return the codings of a concept."""
    codings: Sequence[Mapping[str, Any]] = (concept or {}).get("coding", ())
    return codings


def link_to(reference: Mapping[str, Any] | None) -> str:
    """Return `TYPE/ID` of a reference."""
    return str((reference or {}).get("reference", ""))
