"""`$validate` (FHIR R4, operation Resource-validate): what would be said of a resource, without storing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cdss_api.fhir.document import Document
from cdss_api.fhir.outcome import Issue
from cdss_api.fhir.validation import problems

_MODES = ("create", "update", "delete", "profile")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be validated, for what; a profile is named by its address."""

    resource: Document | None
    mode: str = ""
    profile: str = ""


def asked(document: Document, pairs: Sequence[tuple[str, str]]) -> Asked:
    """Return what a body and the parameters of its address ask; the body is a resource or Parameters of the operation.

    What Parameters hold of a wrong kind counts as not sent.
    """
    given: dict[str, Any] = dict(pairs)
    if document.get("resourceType") != "Parameters":
        return Asked(document, str(given.get("mode", "")), str(given.get("profile", "")))
    listed = document.get("parameter")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            value = one.get("valueCode", one.get("valueUri", one.get("valueCanonical", "")))
            given[one["name"]] = one.get("resource", value)
    resource = given.get("resource")
    return Asked(
        resource if isinstance(resource, dict) else None, str(given.get("mode", "")), str(given.get("profile") or "")
    )


def examined(what: Asked, kind: str, id_: str | None) -> list[Issue]:
    """Return what is to be told: errors, warnings, and where there is neither that all is well."""
    issues = [*_asking(what), *_of(what, kind, id_)]
    if issues:
        return issues
    return [Issue("information", "informational", "No problems were found.")]


def _asking(what: Asked) -> list[Issue]:
    issues = []
    if what.mode and what.mode not in _MODES:
        issues.append(Issue("error", "code-invalid", f"Send one of {', '.join(_MODES)} as mode."))
    if what.profile:
        told = "Profiles are not known here: the resource was held against FHIR R4 alone."
        issues.append(Issue("warning", "not-supported", told))
    return issues


def _of(what: Asked, kind: str, id_: str | None) -> list[Issue]:
    resource = what.resource
    if resource is None:
        return [] if what.mode == "delete" else [Issue("error", "required", "Send the resource to validate.")]
    if resource.get("resourceType") != kind:
        return [Issue("error", "invalid", f"Send a {kind}, or to the address of the resource's own type.")]
    return [*_naming(resource, what.mode, id_), *problems(resource)]


def _naming(resource: Mapping[str, Any], mode: str, id_: str | None) -> list[Issue]:
    at = f"{resource['resourceType']}.id"
    if id_ is not None and resource.get("id", id_) != id_:
        return [Issue("error", "value", "Send the id of the address.", at)]
    if mode == "update" and "id" not in resource:
        return [Issue("error", "required", "Add the id: an update needs it.", at)]
    return []
