"""Which permission a type of resource takes to be written; to read any takes `records:read`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cdss_api.fhir.outcome import Refused
from neuronova.contract.roles import Permission
from neuronova.contract.token import Claims

_WRITTEN_WITH: Mapping[Permission, tuple[str, ...]] = {
    Permission.PATIENTS_WRITE: ("Patient", "Encounter"),
    Permission.CLINICAL_WRITE: ("AllergyIntolerance", "Condition", "Observation", "Specimen"),
    Permission.ORDERS_WRITE: ("Appointment", "MedicationRequest", "ServiceRequest", "Task"),
    Permission.REPORTS_WRITE: ("DiagnosticReport", "DocumentReference"),
    Permission.DIRECTORY_WRITE: (
        *("AuditEvent", "CareTeam", "Device", "Endpoint", "ImagingStudy", "Organization", "Practitioner"),
        *("PractitionerRole", "Provenance", "Subscription"),
    ),
}
WRITE: Mapping[str, Permission] = MappingProxyType(
    {kind: permission for permission, kinds in _WRITTEN_WITH.items() for kind in kinds}
)


def may_read(claims: Claims, kind: str) -> bool:
    """Tell whether resources of `kind` may be read at all."""
    return _reading(kind) in claims.permissions


def require_read(claims: Claims, kind: str) -> None:
    """Raise Refused (403) for who may not read resources of `kind`."""
    _require(claims, _reading(kind))


def require_write(claims: Claims, kind: str) -> None:
    """Raise Refused (403) for who may not write resources of `kind`."""
    _require(claims, WRITE[kind])


def _reading(kind: str) -> Permission:
    return Permission.AUDIT_READ if kind == "AuditEvent" else Permission.RECORDS_READ


def _require(claims: Claims, permission: Permission) -> None:
    if permission not in claims.permissions:
        raise Refused(403, "forbidden", f"This needs the permission {permission}.")
