"""A record as a DICOM audit message (PS3.15 A.5)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from neuronova.audit.export.codes import KINDS, LOG_USED, QUERYING, Code, details, indicator, sound
from neuronova.contract.audit import Event, Record

_PERSON, _SYSTEM = "1", "2"
_TRAIL = "urn:neuronova:audit"
_PATIENT, _REPORT, _RESOURCE, _QUERY = "1", "3", "13", "24"


def audit_message(record: Record, site: str) -> str:
    """Return the message in one line, by the schema of PS3.15 A.5.1."""
    event, kind = record.event, KINDS[record.event.action]
    message = Element("AuditMessage")
    head = SubElement(
        message,
        "EventIdentification",
        EventActionCode=kind.action,
        EventDateTime=datetime.fromtimestamp(event.time, UTC).isoformat(timespec="microseconds"),
        EventOutcomeIndicator=indicator(event),
    )
    _code(head, "EventID", kind.identifier)
    if kind.type is not None:
        _code(head, "EventTypeCode", kind.type)
    if event.reason:
        SubElement(head, "EventOutcomeDescription").text = sound(event.reason)
    _participants(message, event, site)
    source = SubElement(message, "AuditSourceIdentification", AuditEnterpriseSiteID=site, AuditSourceID=record.writer)
    SubElement(source, "AuditSourceTypeCode", {"csd-code": "4"})
    _objects(message, record)
    # What is left of control characters and line ends in attributes is escaped, so that the message is one line.
    return tostring(message, encoding="unicode").replace("\n", "&#10;").replace("\r", "&#13;")


def _participants(message: Element, event: Event, site: str) -> None:
    where = {} if not event.address else {"NetworkAccessPointID": event.address, "NetworkAccessPointTypeCode": "2"}
    who = {"UserID": event.subject or event.aet or event.address or "unknown", "UserIsRequestor": "true", **where}
    if event.aet:
        who["AlternativeUserID"] = f"AETITLES={event.aet}"  # PS3.15 A.5.2.2
    user = SubElement(message, "ActiveParticipant", {name: sound(value) for name, value in who.items()})
    _code(user, "RoleIDCode", Code("110153", "Source Role ID"))
    us = {"UserID": "NeuroNova", "UserIsRequestor": "false", "NetworkAccessPointID": site}
    server = SubElement(message, "ActiveParticipant", {**us, "NetworkAccessPointTypeCode": "1"})
    _code(server, "RoleIDCode", Code("110152", "Destination Role ID"))


def _objects(message: Element, record: Record) -> None:
    event = record.event
    if KINDS[event.action].identifier is LOG_USED:
        first = _object(message, _TRAIL, _SYSTEM, _RESOURCE, Code("12", "URI"), "RFC-3881")
        SubElement(first, "ParticipantObjectName").text = "Security Audit Log"  # PS3.15 A.5.3.2
    else:
        first = _subject(message, event)
    for name, value in [*details(event), ("sequence", str(record.sequence)), ("hash", record.hash)]:
        SubElement(first, "ParticipantObjectDetail", type=name, value=_binary(value))
    if event.patient_id:
        patient = _object(message, event.patient_id, _PERSON, _PATIENT, Code("2", "Patient Number"), "RFC-3881")
        SubElement(patient, "ParticipantObjectName").text = sound(event.patient_id)
        if event.issuer:
            SubElement(patient, "ParticipantObjectDetail", type="issuer", value=_binary(event.issuer))


def _subject(message: Element, event: Event) -> Element:
    if event.study:
        first = _object(message, event.study, _SYSTEM, _REPORT, Code("110180", "Study Instance UID"))
    else:
        role = _QUERY if event.action in QUERYING else _RESOURCE
        first = _object(message, event.route or str(event.action), _SYSTEM, role, Code("12", "URI"), "RFC-3881")
    if event.action in QUERYING:
        SubElement(first, "ParticipantObjectQuery").text = _binary(event.route)
    else:
        SubElement(first, "ParticipantObjectName").text = first.get("ParticipantObjectID")
    return first


def _object(message: Element, identifier: str, kind: str, role: str, code: Code, system: str = "DCM") -> Element:
    made = SubElement(
        message,
        "ParticipantObjectIdentification",
        ParticipantObjectID=sound(identifier),
        ParticipantObjectTypeCode=kind,
        ParticipantObjectTypeCodeRole=role,
    )
    _code(made, "ParticipantObjectIDTypeCode", code, system)
    return made


def _code(parent: Element, name: str, code: Code, system: str = "DCM") -> None:
    SubElement(parent, name, {"csd-code": code.value, "codeSystemName": system, "originalText": code.meaning})


def _binary(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
