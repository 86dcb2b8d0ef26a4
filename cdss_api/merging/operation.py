"""`POST /api/v1/fhir/Patient/$merge`, as FHIR R5 has it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from cdss_api.accounts.bearer import Bearer, authenticate
from cdss_api.fhir.document import Document, Unreadable, read, write
from cdss_api.fhir.outcome import Issue, Refused, outcome
from cdss_api.merging.merging import Planned, merge
from cdss_api.merging.parameters import Asked, asked
from cdss_api.service import Service
from neuronova.contract.roles import Permission

_MEDIA_TYPE = "application/fhir+json"
_JSON = (_MEDIA_TYPE, "application/json")


def register(routes: Blueprint, service: Service) -> None:
    """Add the operation to the interface's routes, whose errors are OperationOutcomes."""

    @routes.post("/Patient/$merge")
    def merge_patients() -> Response:
        bearer = _bearer(service)
        document = _document()
        wanted = asked(document)
        planned = merge(service, bearer.actor, wanted)
        status = 202 if planned.id and planned.studies else 200
        response = Response(write(_told(document, wanted, planned)), status, content_type=_MEDIA_TYPE)
        if planned.id:
            response.headers["Content-Location"] = f"/api/v1/imaging/merges/{planned.id}"
        return response


def _bearer(service: Service) -> Bearer:
    bearer = authenticate(service, request)
    if bearer.claims.studies is not None or bearer.claims.fhir is not None:
        raise Refused(403, "forbidden", "A token that is narrowed cannot merge patients.")
    if Permission.PATIENTS_MERGE not in bearer.claims.permissions:
        raise Refused(403, "forbidden", f"This needs the permission {Permission.PATIENTS_MERGE}.")
    return bearer


def _document() -> Document:
    if request.mimetype not in _JSON:
        raise Refused(415, "not-supported", f"Parameters are sent as {_MEDIA_TYPE}.")
    try:
        return read(request.get_data())
    except Unreadable as odd:
        raise Refused(400, "structure", f"The body is no resource: {odd}."[:500]) from None


def _told(document: Document, wanted: Asked, planned: Planned) -> dict[str, Any]:
    """Return the operation's Parameters: what was asked, what came of it, and the target as it is or would be."""
    issues = [Issue("information", "informational", one) for one in _sentences(planned, preview=wanted.preview)]
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "input", "resource": document},
            {"name": "outcome", "resource": outcome(issues)},
            {"name": "result", "resource": planned.result},
        ],
    }


def _sentences(planned: Planned, *, preview: bool) -> list[str]:
    will = "would become" if preview else "are now"
    later = "would follow" if preview else "follow in the background"
    told = [f"Resources that {will} the target's: {sum(planned.counts.values())}."]
    told += [f"{kind}: {number}" for kind, number in sorted(planned.counts.items())]
    told.append(f"Studies that {later}: {planned.studies}, with {planned.objects} objects.")
    return told
