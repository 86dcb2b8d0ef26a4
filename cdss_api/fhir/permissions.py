"""What an interaction with a type of resource takes: the permission of a role, and a scope where the token has any."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cdss_api.fhir.outcome import Refused
from neuronova.contract.roles import Permission, Role
from neuronova.contract.scopes import Context, Interaction, allows
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
# A subscription's headers hold its receiver's secrets.
_READ_WITH: Mapping[str, Permission] = MappingProxyType(
    {"AuditEvent": Permission.AUDIT_READ, "Subscription": Permission.DIRECTORY_WRITE}
)
_CONTEXTS: Mapping[Role, Context] = MappingProxyType({Role.SERVICE: Context.SYSTEM, Role.PATIENT: Context.PATIENT})


def may(claims: Claims, kind: str, interaction: Interaction) -> bool:
    """Tell whether an interaction with resources of `kind` is allowed, by role and by the token's scopes.

    A client's scopes are all that it has; a person's token with scopes allows what both the role and they allow.
    """
    return _within_scopes(claims, kind, interaction) and _has_permission(claims, _needed(kind, interaction))


def require(claims: Claims, kind: str, interaction: Interaction) -> None:
    """Raise Refused (403) for who may not do this with resources of `kind`."""
    if not _within_scopes(claims, kind, interaction):
        needed = f"{_context(claims)}/{kind}.{interaction}"
        challenge = f'Bearer realm="neuronova", error="insufficient_scope", scope="{needed}"'  # RFC 6750 3.1
        raise Refused(403, "forbidden", f"This needs the scope {needed}.", headers={"WWW-Authenticate": challenge})
    permission = _needed(kind, interaction)
    if not _has_permission(claims, permission):
        raise Refused(403, "forbidden", f"This needs the permission {permission}.")


def _within_scopes(claims: Claims, kind: str, interaction: Interaction) -> bool:
    return claims.fhir is None or allows(claims.fhir, _context(claims), kind, interaction)


def _has_permission(claims: Claims, permission: Permission) -> bool:
    by_scopes = claims.role is Role.SERVICE and claims.fhir is not None
    return by_scopes or permission in claims.permissions


def _needed(kind: str, interaction: Interaction) -> Permission:
    if interaction not in (Interaction.READ, Interaction.SEARCH):
        return WRITE[kind]
    return _READ_WITH.get(kind, Permission.RECORDS_READ)


def _context(claims: Claims) -> Context:
    return _CONTEXTS.get(claims.role, Context.USER)
