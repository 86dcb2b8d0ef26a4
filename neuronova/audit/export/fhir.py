"""A record as a FHIR R4 AuditEvent, by the patterns of IHE BALP 1.1 where one of them is met."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from neuronova.audit.export.codes import KINDS, QUERYING, Code, details, indicator, sound
from neuronova.contract.audit import Action, Event, Outcome, Record
from neuronova.contract.issuer import system_of

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_SOURCE, _DESTINATION = Code("110153", "Source Role ID"), Code("110152", "Destination Role ID")
_APPLICATION = Code("110150", "Application")
# The interaction, the pattern's name, and the parts that client and server play in it.
_PATTERNS = {
    Action.READ: ("read", "Read", _DESTINATION, _SOURCE),
    Action.QUERY: ("search", "Query", _SOURCE, _DESTINATION),
    Action.STORE: ("create", "Create", _SOURCE, _DESTINATION),
    Action.DELETE: ("delete", "Delete", _APPLICATION, None),
}


def audit_event(record: Record, site: str) -> dict[str, Any]:
    """Return the resource; its identifier is the record's hash, which says where in the trail it belongs."""
    made: dict[str, Any] = _sound(_resource(record, site))
    return made


def _resource(record: Record, site: str) -> dict[str, Any]:
    event, kind = record.event, KINDS[record.event.action]
    pattern = _PATTERNS.get(event.action)
    if pattern is not None:
        kinds = {
            "type": _coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "Restful Operation"),
            "subtype": [_coding("http://hl7.org/fhir/restful-interaction", pattern[0], pattern[0])],
        }
    else:
        kinds = {"type": _dicom(kind.identifier)}
        if kind.type is not None:
            kinds["subtype"] = [_dicom(kind.type)]
    profile = _profile(event)
    return {
        "resourceType": "AuditEvent",
        "id": record.hash,
        **({} if profile is None else {"meta": {"profile": [profile]}}),
        **kinds,
        "action": kind.action,
        "recorded": datetime.fromtimestamp(event.time, UTC).isoformat(timespec="microseconds"),
        "outcome": indicator(event),
        **_filled(outcomeDesc=event.reason),
        "agent": _agents(event, site),
        "source": {
            "site": site,
            "observer": {"display": record.writer},
            "type": [_coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")],
        },
        **_filled(entity=_entities(event)),
    }


def _profile(event: Event) -> str | None:
    """Return the pattern that the event meets: one of success, by a client whose address is known."""
    pattern = _PATTERNS.get(event.action)
    if pattern is None or event.outcome is not Outcome.ALLOWED or not event.address:
        return None
    if not event.study and event.action is not Action.QUERY:
        return None
    return f"{_PROFILE}{'Patient' if event.patient_id else ''}{pattern[1]}"


def _agents(event: Event, site: str) -> list[dict[str, Any]]:
    _, _, client, server = _PATTERNS.get(event.action, ("", "", _SOURCE, _DESTINATION))
    custodian = _coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian", "Custodian")
    return [
        {
            "type": {"coding": [_dicom(client)]},
            "who": {"display": event.aet or event.address or "unknown"},
            "requestor": not event.subject,
            **_filled(network={"address": event.address, "type": "2"} if event.address else {}),
        },
        {
            "type": {"coding": [custodian if server is None else _dicom(server)]},
            "who": {"display": "NeuroNova"},
            "requestor": False,
            "network": {"address": site, "type": "1"},
        },
        *([_user(event)] if event.subject else []),
    ]


def _user(event: Event) -> dict[str, Any]:
    reading = event.action in (Action.READ, *QUERYING)
    code, meaning = ("IRCP", "information recipient") if reading else ("AUT", "author (originator)")
    glass = event.action is Action.BREAK_GLASS or event.reason == "break-glass"
    return {
        "type": {"coding": [_coding(_PARTICIPATION, code, meaning)]},
        **_filled(role=[{"text": event.role}] if event.role else []),
        "who": {"identifier": {"value": event.subject}},
        "requestor": True,
        **_filled(policy=[event.token_id] if event.token_id else []),
        **_filled(purposeOfUse=[{"coding": [_coding(_REASON, "BTG", "break the glass")]}] if glass else []),
    }


def _entities(event: Event) -> list[dict[str, Any]]:
    more = [{"type": name, "valueString": value} for name, value in details(event)]
    entities: list[dict[str, Any]] = []
    if event.action in QUERYING:
        entities.append({**_roles("2", "24"), "query": base64.b64encode(event.route.encode()).decode() or "AA=="})
    elif event.study:
        study = {"identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{event.study}"}}
        entities.append({"what": study, **_roles("2", "4")})
    else:
        entities.append({**_roles("2", "4"), "name": event.route or str(event.action)})
    if event.patient_id:
        entities.append({"what": {"type": "Patient", "identifier": _identifier(event)}, **_roles("1", "1")})
    if event.action in QUERYING:  # BALP allows the query itself no details
        other = _coding("http://terminology.hl7.org/CodeSystem/audit-entity-type", "4", "Other")
        return [*entities, {"type": other, "name": "record", "detail": more}]
    entities[0]["detail"] = more
    return entities


def _identifier(event: Event) -> dict[str, Any]:
    return {"system": system_of(event.issuer), "value": event.patient_id}


_TYPES = {"1": "Person", "2": "System Object"}
_ROLES = {"1": "Patient", "4": "Domain Resource", "24": "Query"}


def _roles(kind: str, role: str) -> dict[str, Any]:
    return {
        "type": _coding("http://terminology.hl7.org/CodeSystem/audit-entity-type", kind, _TYPES[kind]),
        "role": _coding("http://terminology.hl7.org/CodeSystem/object-role", role, _ROLES[role]),
    }


def _dicom(code: Code) -> dict[str, str]:
    return _coding(_DCM, code.value, code.meaning)


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}


def _filled(**fields: Any) -> dict[str, Any]:
    # FHIR knows no empty element (R4, 2.6.2).
    return {name: value for name, value in fields.items() if value}


def _sound(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sound(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_sound(held) for held in value]
    return sound(value) if isinstance(value, str) else value
