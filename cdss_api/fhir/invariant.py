"""Invariants of FHIR R4 that matter most here, each under the name that HL7 gives it.

Where one asks for what is in a member, a member of the wrong kind counts as none: that is told as a fault of structure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from cdss_api.fhir.moment import span
from cdss_api.fhir.node import Node
from cdss_api.fhir.outcome import Issue

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_CONDITION_CLINICAL = f"{_TERMINOLOGY}condition-clinical"
_CONDITION_VERIFICATION = f"{_TERMINOLOGY}condition-ver-status"
_ALLERGY_VERIFICATION = f"{_TERMINOLOGY}allergyintolerance-verification"
_ERROR = frozenset({"entered-in-error"})
_OVER = frozenset({"resolved", "remission", "inactive"})

Value = Mapping[str, Any]


class Invariant(NamedTuple):
    """One rule: HL7's id, whether it holds, what to do where it does not, and how much that weighs."""

    key: str
    holds: Callable[[Value], bool]
    told: str
    severity: str = "error"


def of_nodes(listed: Sequence[Node]) -> Iterator[Issue]:
    """Yield the rules that are broken."""
    for node in listed:
        if not isinstance(node.value, dict):
            continue
        if not node.name:
            yield from _broken(node, OF_RESOURCES)
        yield from _broken(node, INVARIANTS.get(node.element.type, ()))
    if listed and isinstance(listed[0].value, dict):
        yield from _dangling(listed[0])


def ext_1(value: Value) -> bool:
    """Tell whether an extension has a value or extensions, not both and not neither."""
    return ("extension" in value) != any(name.lstrip("_").startswith("value") for name in value)


def per_1(value: Value) -> bool:
    """Tell whether a period starts before it ends; what its precision leaves open is taken in its favour."""
    start, end = value.get("start"), value.get("end")
    if not isinstance(start, str) or not isinstance(end, str):
        return True
    try:
        return span(start).low < span(end).high
    except ValueError:
        return True


def qty_3(value: Value) -> bool:
    """Tell whether a code for the unit comes with its system."""
    return "code" not in value or "system" in value


def att_1(value: Value) -> bool:
    """Tell whether data comes with its media type."""
    return "data" not in value or "contentType" in value


def rng_2(value: Value) -> bool:
    """Tell whether a range's low is not above its high, where they are of one unit."""
    low, high = _object(value, "low"), _object(value, "high")
    if low.get("code", low.get("unit")) != high.get("code", high.get("unit")):
        return True
    try:
        return not low["value"] > high["value"]
    except (KeyError, TypeError):
        return True


def rat_1(value: Value) -> bool:
    """Tell whether a ratio has both parts, or neither and an extension."""
    if ("numerator" in value) != ("denominator" in value):
        return False
    return "numerator" in value or "extension" in value


def cpt_2(value: Value) -> bool:
    """Tell whether a contact's value comes with its system."""
    return "value" not in value or "system" in value


def pat_1(value: Value) -> bool:
    """Tell whether a patient's contact says something of who it is."""
    return not value.keys().isdisjoint(("name", "telecom", "address", "organization"))


def obs_3(value: Value) -> bool:
    """Tell whether a reference range has a low, a high or a text."""
    return not value.keys().isdisjoint(("low", "high", "text", "_text"))


def obs_6(value: Value) -> bool:
    """Tell whether why there is no value is told only where there is none."""
    return "dataAbsentReason" not in value or not _has_value(value)


def obs_7(value: Value) -> bool:
    """Tell whether an observation with a component of its own code has the value there."""
    if not _has_value(value):
        return True
    ours = _codings(value.get("code"))
    return not any(ours & _codings(one.get("code")) for one in _objects(value, "component"))


def con_3(value: Value) -> bool:
    """Tell whether a problem of the problem list has a clinical status, unless it was entered in error."""
    verification = value.get("verificationStatus")
    listed = any(
        _coded(one, f"{_TERMINOLOGY}condition-category", frozenset({"problem-list-item"}))
        for one in _objects(value, "category")
    )
    wanted = verification is not None and listed and not _coded(verification, _CONDITION_VERIFICATION, _ERROR)
    return not wanted or "clinicalStatus" in value


def con_4(value: Value) -> bool:
    """Tell whether what has abated is no longer active."""
    abated = any(name.lstrip("_").startswith("abatement") for name in value)
    return not abated or _coded(value.get("clinicalStatus"), _CONDITION_CLINICAL, _OVER)


def con_5(value: Value) -> bool:
    """Tell whether what was entered in error has no clinical status."""
    return "clinicalStatus" not in value or not _coded(value.get("verificationStatus"), _CONDITION_VERIFICATION, _ERROR)


def ait_1(value: Value) -> bool:
    """Tell whether an allergy that is verified at all has a clinical status, unless it was entered in error."""
    verification = value.get("verificationStatus")
    wanted = verification is not None and not _coded(verification, _ALLERGY_VERIFICATION, _ERROR)
    return not wanted or "clinicalStatus" in value


def ait_2(value: Value) -> bool:
    """Tell whether what was entered in error has no clinical status."""
    return "clinicalStatus" not in value or not _coded(value.get("verificationStatus"), _ALLERGY_VERIFICATION, _ERROR)


def app_1(value: Value) -> bool:
    """Tell whether a participant has a type or an actor."""
    return not value.keys().isdisjoint(("type", "actor"))


def app_2(value: Value) -> bool:
    """Tell whether an appointment has both a start and an end, or neither."""
    return ("start" in value) == ("end" in value)


def app_3(value: Value) -> bool:
    """Tell whether only one that is not agreed on has no time."""
    return {"start", "end"} <= value.keys() or value.get("status") in ("proposed", "cancelled", "waitlist")


def app_4(value: Value) -> bool:
    """Tell whether only one that did not take place was cancelled for a reason."""
    return "cancelationReason" not in value or value.get("status") in ("no-show", "cancelled")


def org_1(value: Value) -> bool:
    """Tell whether an organization has a name or an identifier."""
    return not value.keys().isdisjoint(("name", "identifier"))


def prr_1(value: Value) -> bool:
    """Tell whether details of an order come with its code."""
    return "orderDetail" not in value or "code" in value


def sev_1(value: Value) -> bool:
    """Tell whether an entity of an audit event has a name or a query, not both."""
    return not {"name", "query"} <= value.keys()


def inv_1(value: Value) -> bool:
    """Tell whether a task was last changed after it was made."""
    return per_1({"start": value.get("authoredOn"), "end": value.get("lastModified")})


def dom_2(value: Value) -> bool:
    """Tell whether what is contained contains nothing."""
    return not any("contained" in one for one in _objects(value, "contained"))


def dom_3(value: Value) -> bool:
    """Tell whether what is contained is referred to, or refers to what contains it."""
    used = set(_fragments(value))
    return all(f"#{one.get('id')}" in used or "#" in _fragments(one) for one in _objects(value, "contained"))


def dom_4(value: Value) -> bool:
    """Tell whether what is contained has no version of its own."""
    return all(
        _object(one, "meta").keys().isdisjoint(("versionId", "lastUpdated")) for one in _objects(value, "contained")
    )


def dom_5(value: Value) -> bool:
    """Tell whether what is contained has no security label of its own."""
    return not any("security" in _object(one, "meta") for one in _objects(value, "contained"))


OF_RESOURCES = (
    Invariant("dom-2", dom_2, "Leave `contained` out of a contained resource."),
    Invariant("dom-3", dom_3, "Refer to each contained resource as #ID, or leave it out."),
    Invariant("dom-4", dom_4, "Leave meta.versionId and meta.lastUpdated out of a contained resource."),
    Invariant("dom-5", dom_5, "Leave meta.security out of a contained resource."),
)
_QTY_3 = Invariant("qty-3", qty_3, "Add the system of the unit's code.")
INVARIANTS: Mapping[str, tuple[Invariant, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("Age", "Count", "Distance", "Duration", "Quantity"), (_QTY_3,)),
        "AllergyIntolerance": (
            Invariant("ait-1", ait_1, "Add clinicalStatus, or say that it was entered in error."),
            Invariant("ait-2", ait_2, "Leave clinicalStatus out of what was entered in error."),
        ),
        "Appointment": (
            Invariant("app-2", app_2, "Give both start and end, or neither."),
            Invariant("app-3", app_3, "Give start and end, unless it is proposed, cancelled or on the waitlist."),
            Invariant("app-4", app_4, "Leave cancelationReason out of what was not cancelled or missed."),
        ),
        "Appointment.participant": (Invariant("app-1", app_1, "Add the participant's type or actor."),),
        "Attachment": (Invariant("att-1", att_1, "Add the contentType of the data."),),
        "AuditEvent.entity": (Invariant("sev-1", sev_1, "Keep the name or the query, not both."),),
        "Condition": (
            Invariant("con-3", con_3, "Add clinicalStatus to a problem of the problem list.", "warning"),
            Invariant(
                "con-4", con_4, "Make clinicalStatus inactive, remission or resolved where there is an abatement."
            ),
            Invariant("con-5", con_5, "Leave clinicalStatus out of what was entered in error."),
        ),
        "ContactPoint": (Invariant("cpt-2", cpt_2, "Add the system of the contact."),),
        "Extension": (Invariant("ext-1", ext_1, "Give an extension a value or extensions, not both."),),
        "Observation": (
            Invariant("obs-6", obs_6, "Leave dataAbsentReason out where there is a value."),
            Invariant("obs-7", obs_7, "Leave the value out where a component has the same code."),
        ),
        "Observation.referenceRange": (Invariant("obs-3", obs_3, "Add low, high or text to the reference range."),),
        "Organization": (Invariant("org-1", org_1, "Add a name or an identifier."),),
        "Patient.contact": (Invariant("pat-1", pat_1, "Add name, telecom, address or organization to the contact."),),
        "Period": (Invariant("per-1", per_1, "Let the period start before it ends."),),
        "Range": (Invariant("rng-2", rng_2, "Let low be no more than high."),),
        "Ratio": (Invariant("rat-1", rat_1, "Give both numerator and denominator."),),
        "ServiceRequest": (Invariant("prr-1", prr_1, "Add the code that the details are of."),),
        "Task": (Invariant("inv-1", inv_1, "Let lastModified be no earlier than authoredOn."),),
    }
)


def _broken(node: Node, rules: Sequence[Invariant]) -> Iterator[Issue]:
    for one in rules:
        if not one.holds(node.value):
            yield Issue(one.severity, "invariant", f"{one.key}: {one.told}", node.at)


def _dangling(resource: Node) -> Iterator[Issue]:
    """ref-1: what is referred to as contained is contained."""
    held = {f"#{one.get('id')}" for one in _objects(resource.value, "contained")}
    for at, text, inside in _references(resource.value, resource.at):
        if text not in held and not (text == "#" and inside):
            told = "ref-1: Contain the resource that is referred to by #ID, or refer to it otherwise."
            yield Issue("error", "invariant", told, at)


def _references(value: Any, at: str, inside: bool = False) -> Iterator[tuple[str, str, bool]]:
    """Yield the references to contained resources, where they stand, and whether in a contained one."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name == "reference" and isinstance(one, str) and one.startswith("#"):
                yield f"{at}.{name}", one, inside
            else:
                yield from _references(one, f"{at}.{name}", inside or name == "contained")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _references(one, f"{at}[{number}]", inside)


def _fragments(value: Any) -> Iterator[str]:
    # References, and addresses of canonical resources: HL7 counts both.
    if isinstance(value, str):
        if value.startswith("#"):
            yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _fragments(one)


def _has_value(value: Value) -> bool:
    return any(name.lstrip("_").startswith("value") for name in value)


def _object(value: Value, name: str) -> Value:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _objects(value: Value, name: str) -> list[Value]:
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _codings(concept: Any) -> set[tuple[str, str]]:
    codings = _objects(concept, "coding") if isinstance(concept, dict) else []
    return {(str(one.get("system")), str(one.get("code"))) for one in codings if "code" in one}


def _coded(concept: Any, system: str, codes: frozenset[str]) -> bool:
    return any(known == system and code in codes for known, code in _codings(concept))
