"""What this interface can do, as a CapabilityStatement (FHIR R4 2.35): made from what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from cdss_api.fhir.definitions import Kind, Parameter, parameters

RELEASED = "2026-11-21"  # of the last change to what stands here
INTERACTIONS = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)
_OF_RESOURCE: Mapping[str, Any] = {
    "versioning": "versioned-update",
    "readHistory": True,
    "updateCreate": True,
    "conditionalCreate": True,
    "conditionalRead": "not-match",
    "conditionalUpdate": True,
    "conditionalDelete": "single",
    "referencePolicy": ["literal", "logical"],
}


def capability(base: str, token_endpoint: str) -> dict[str, Any]:
    """Return the statement of the interface at `base`, for whose tokens clients ask at `token_endpoint`."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": RELEASED,
        "kind": "instance",
        "software": {"name": "NeuroNova", "version": version("neuronova")},
        "implementation": {"description": "Clinical records of NeuroNova", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(token_endpoint),
                "resource": [_resource(kind, known) for kind, known in parameters().items()],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _security(token_endpoint: str) -> dict[str, Any]:
    """Return how one is let in, with the address that SMART App Launch 1.0 looks for here."""
    uris = {
        "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
        "extension": [{"url": "token", "valueUri": token_endpoint}],
    }
    system = "http://terminology.hl7.org/CodeSystem/restful-security-service"
    return {
        "extension": [uris],
        "service": [{"coding": [{"system": system, "code": "SMART-on-FHIR"}]}],
        "description": "A bearer token of this platform; who sees which patient holds here too.",
    }


def _resource(kind: str, known: Mapping[str, Parameter]) -> dict[str, Any]:
    references = [code for code, one in known.items() if one.kind is Kind.REFERENCE]
    back = [
        f"{source}:{code}"
        for source, others in parameters().items()
        for code, one in others.items()
        if one.kind is Kind.REFERENCE and kind in one.targets
    ]
    operations = [
        {"name": "everything", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything"},
        {"name": "merge", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-merge"},
    ]
    return {
        "type": kind,
        "interaction": [{"code": code} for code in INTERACTIONS],
        **_OF_RESOURCE,
        "searchInclude": [f"{kind}:{code}" for code in references],
        "searchRevInclude": back,
        "searchParam": [{"name": code, "type": one.kind.value} for code, one in known.items()],
        **({"operation": operations} if kind == "Patient" else {}),
    }
