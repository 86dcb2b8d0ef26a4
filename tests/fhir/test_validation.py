"""Which resources fit their definitions, and what is told of others."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from cdss_api.fhir.definitions import parameters
from cdss_api.fhir.definitions.elements import types
from cdss_api.fhir.outcome import Invalid
from cdss_api.fhir.validation import MOST_ISSUES, check, problems
from tests.fhir.resources import GOOD, HL7, KIM, LEE, UNKNOWN, concept, good, text

REASON = {"extension": [UNKNOWN]}
ENTERED_IN_ERROR = concept(f"{HL7}/condition-ver-status", "entered-in-error")

Told = tuple[str, str]


def told(document: dict[str, Any]) -> list[Told]:
    """Return the code and expression of each issue."""
    return [(issue.code, issue.expression) for issue in problems(document)]


def test_a_good_one_of_every_type_is_at_hand() -> None:
    assert set(GOOD) == set(parameters())


@pytest.mark.parametrize("kind", GOOD)
def test_good_resources_fit(kind: str) -> None:
    assert told(good(kind)) == []
    check(good(kind))


@pytest.mark.parametrize("kind", GOOD)
def test_unknown_members_are_named(kind: str) -> None:
    assert told(good(kind, bogus=1)) == [("structure", f"{kind}.bogus")]


@pytest.mark.parametrize("kind", GOOD)
def test_arrays_and_single_values_are_told_apart(kind: str) -> None:
    for name, value in GOOD[kind].items():
        element = types()[kind][name.removeprefix("_")]
        wrong = value[0] if isinstance(value, list) else [value]
        if element.type == "Resource":
            continue
        assert f"{kind}.{name}" in [at for _, at in told(good(kind, **{name: wrong}))], name


REQUIRED = {
    "AllergyIntolerance": ["patient"],
    "Appointment": ["status", "participant"],
    "AuditEvent": ["type", "recorded", "agent", "source"],
    "CareTeam": [],
    "Condition": ["subject"],
    "Device": [],
    "DiagnosticReport": ["status", "code"],
    "DocumentReference": ["status", "content"],
    "Encounter": ["status", "class"],
    "Endpoint": ["status", "connectionType", "payloadType", "address"],
    "ImagingStudy": ["status", "subject"],
    "MedicationRequest": ["status", "intent", "subject"],
    "Observation": ["status", "code"],
    "Organization": [],
    "Patient": [],
    "Practitioner": [],
    "PractitionerRole": [],
    "Provenance": ["target", "recorded", "agent"],
    "ServiceRequest": ["intent", "subject", "status"],
    "Specimen": [],
    "Subscription": ["status", "reason", "criteria", "channel"],
    "Task": ["status", "intent"],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in REQUIRED.items() for name in names])
def test_required_members_are_missed(kind: str, name: str) -> None:
    assert ("required", f"{kind}.{name}") in told(good(kind, **{name: None}))


BOUND = {
    "AllergyIntolerance": ("criticality", "bad"),
    "Appointment": ("status", "bad"),
    "AuditEvent": ("action", "X"),
    "CareTeam": ("status", "bad"),
    "Device": ("status", "bad"),
    "DiagnosticReport": ("status", "bad"),
    "DocumentReference": ("docStatus", "bad"),
    "Encounter": ("status", "bad"),
    "Endpoint": ("status", "bad"),
    "ImagingStudy": ("status", "bad"),
    "MedicationRequest": ("intent", "bad"),
    "Observation": ("status", "Final"),
    "Patient": ("gender", "m"),
    "Practitioner": ("gender", "f"),
    "ServiceRequest": ("priority", "bad"),
    "Specimen": ("status", "bad"),
    "Subscription": ("status", "bad"),
    "Task": ("intent", "bad"),
}


@pytest.mark.parametrize("kind", BOUND)
def test_codes_of_required_bindings_are_checked(kind: str) -> None:
    name, code = BOUND[kind]
    assert told(good(kind, **{name: code})) == [("code-invalid", f"{kind}.{name}")]


BAD = {
    "no type": ({"id": "a"}, ("structure", "Resource.resourceType")),
    "a type of none": ({"resourceType": "Nope"}, ("structure", "Nope.resourceType")),
    "a data type": ({"resourceType": "HumanName"}, ("structure", "HumanName.resourceType")),
    "the library's own member": (good("Patient", fhir_comments="x"), ("structure", "Patient.?")),
    "the library's own name": (good("Encounter", class_fhir={"code": "x"}), ("structure", "Encounter.?")),
    "an empty member": (good("Patient", language=""), ("structure", "Patient.language")),
    "a null in an array of objects": (good("Patient", address=[None]), ("structure", "Patient.address[0]")),
    "an array in an array": (good("Patient", name=[[{"family": "x"}]]), ("structure", "Patient.name[0]")),
    "text for a number": (
        good("Observation", valueQuantity={"value": "1.2"}),
        ("value", "Observation.valueQuantity.value"),
    ),
    "a number for text": (good("Patient", name=[{"family": 5}]), ("value", "Patient.name[0].family")),
    "text for a boolean": (good("Patient", active="true"), ("value", "Patient.active")),
    "a fraction for an integer": (
        good("Patient", multipleBirthInteger=Decimal("2.0")),
        ("value", "Patient.multipleBirthInteger"),
    ),
    "no positive number": (good("Appointment", minutesDuration=0), ("value", "Appointment.minutesDuration")),
    "a day that is none": (good("Patient", birthDate="1981-02-29"), ("value", "Patient.birthDate")),
    "a time in a date": (good("Patient", birthDate="1980-02-29T00:00:00Z"), ("value", "Patient.birthDate")),
    "a time without zone": (
        good("Observation", effectiveDateTime="2024-05-17T09:30:00"),
        ("value", "Observation.effectiveDateTime"),
    ),
    "an instant of a day": (good("Observation", issued="2024-05-17"), ("value", "Observation.issued")),
    "an id with a space": (good("Patient", id="a b"), ("value", "Patient.id")),
    "an id that is too long": (good("Patient", id="a" * 65), ("value", "Patient.id")),
    "an address with a space": (good("Endpoint", address="https://a b"), ("value", "Endpoint.address")),
    "no base64": (
        good("Practitioner", photo=[{"contentType": "image/png", "data": "a"}]),
        ("value", "Practitioner.photo[0].data"),
    ),
    "text of spaces": (good("Patient", name=[{"family": "  "}]), ("value", "Patient.name[0].family")),
    "a narrative that is text": (
        good("Patient", text={"status": "generated", "div": "x"}),
        ("value", "Patient.text.div"),
    ),
    "no time of day": (
        good("PractitionerRole", availableTime=[{"availableStartTime": "9:00"}]),
        ("value", "PractitionerRole.availableTime[0].availableStartTime"),
    ),
    "two of a choice": (good("Patient", multipleBirthBoolean=True), ("structure", "Patient.multipleBirth")),
    "a choice of a wrong type": (
        good("Observation", valueAddress={"city": "x"}),
        ("structure", "Observation.valueAddress"),
    ),
    "no reference": (good("Observation", subject={"reference": "foo bar"}), ("value", "Observation.subject.reference")),
    "a reference to a wrong type": (
        good("Observation", subject={"reference": "Task/x"}),
        ("value", "Observation.subject.reference"),
    ),
    "a primitive's extension on an object": (good("Patient", _name={"id": "x"}), ("structure", "Patient._name")),
    "a primitive's extension that is text": (good("Patient", _birthDate="x"), ("structure", "Patient._birthDate")),
    "a code deep below": (good("Patient", name=[{"use": "x"}]), ("code-invalid", "Patient.name[0].use")),
    "a code of an array": (
        good("AllergyIntolerance", category=["food", "x"]),
        ("code-invalid", "AllergyIntolerance.category[1]"),
    ),
    "a concept": (
        good("AllergyIntolerance", clinicalStatus=concept("http://example.org", "active")),
        ("code-invalid", "AllergyIntolerance.clinicalStatus"),
    ),
    "a code in an extension": (
        good("Patient", extension=[{"url": "https://example.org/x", "valueHumanName": {"use": "x"}}]),
        ("code-invalid", "Patient.extension[0].valueHumanName.use"),
    ),
    "a code in a contained one": (
        good(
            "Patient",
            contained=[{"resourceType": "Organization", "id": "hospital", "name": "x", "telecom": [{"system": "x"}]}],
        ),
        ("code-invalid", "Patient.contained[0].telecom[0].system"),
    ),
    "a contained one that is none": (good("Patient", contained=[1]), ("structure", "Patient.contained[0]")),
    "a contained one of no type": (
        good("Patient", contained=[{"resourceType": "Nope", "id": "hospital"}]),
        ("structure", "Patient.contained[0].resourceType"),
    ),
    "contained ones that are no array": (
        good("Patient", contained={"resourceType": "Organization", "id": "hospital", "name": "x"}),
        ("structure", "Patient.contained"),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_resources_are_told_where_they_are(name: str) -> None:
    document, expected = BAD[name]
    assert expected in told(document)
    with pytest.raises(Invalid):
        check(document)


HOSPITAL = {"resourceType": "Organization", "id": "hospital", "name": "Hospital"}
BROKEN = {
    "ait-1": (good("AllergyIntolerance", clinicalStatus=None), "AllergyIntolerance"),
    "ait-2": (
        good(
            "AllergyIntolerance",
            verificationStatus=concept(f"{HL7}/allergyintolerance-verification", "entered-in-error"),
        ),
        "AllergyIntolerance",
    ),
    "app-1": (good("Appointment", participant=[{"status": "accepted"}]), "Appointment.participant[0]"),
    "app-2": (good("Appointment", status="proposed", end=None), "Appointment"),
    "app-3": (good("Appointment", start=None, end=None), "Appointment"),
    "app-4": (good("Appointment", cancelationReason=text("late")), "Appointment"),
    "att-1": (good("Practitioner", photo=[{"data": "QUJD"}]), "Practitioner.photo[0]"),
    "con-4": (good("Condition", clinicalStatus=concept(f"{HL7}/condition-clinical", "active")), "Condition"),
    "con-5": (good("Condition", verificationStatus=ENTERED_IN_ERROR), "Condition"),
    "cpt-2": (good("Organization", telecom=[{"value": "1"}]), "Organization.telecom[0]"),
    "dom-2": (
        good("Patient", contained=[HOSPITAL | {"contained": [HOSPITAL | {"partOf": {"reference": "#"}}]}]),
        "Patient",
    ),
    "dom-3": (good("Patient", managingOrganization=None), "Patient"),
    "dom-4": (good("Patient", contained=[HOSPITAL | {"meta": {"versionId": "1"}}]), "Patient"),
    "dom-5": (good("Patient", contained=[HOSPITAL | {"meta": {"security": [{"code": "R"}]}}]), "Patient"),
    "ext-1": (
        good(
            "Patient", extension=[{"url": "https://x", "valueCode": "x", "extension": [{"url": "y", "valueCode": "x"}]}]
        ),
        "Patient.extension[0]",
    ),
    "inv-1": (good("Task", lastModified="2024-05-17T08:59:59Z"), "Task"),
    "obs-3": (good("Observation", referenceRange=[{"appliesTo": [text("x")]}]), "Observation.referenceRange[0]"),
    "obs-6": (good("Observation", dataAbsentReason=text("x")), "Observation"),
    "obs-7": (
        good(
            "Observation", code=concept("http://loinc.org", "1"), component=[{"code": concept("http://loinc.org", "1")}]
        ),
        "Observation",
    ),
    "org-1": (good("Organization", name=None), "Organization"),
    "pat-1": (good("Patient", contact=[{"gender": "male"}]), "Patient.contact[0]"),
    "per-1": (good("CareTeam", period={"start": "2024-06-01", "end": "2024-05"}), "CareTeam.period"),
    "prr-1": (good("ServiceRequest", code=None), "ServiceRequest"),
    "qty-3": (good("Observation", valueQuantity={"value": 1, "code": "mg"}), "Observation.valueQuantity"),
    "rat-1": (
        good("Observation", valueQuantity=None, valueRatio={"numerator": {"value": 1}}),
        "Observation.valueRatio",
    ),
    "ref-1": (good("Observation", subject={"reference": "#kim"}), "Observation.subject.reference"),
    "rng-2": (
        good("Observation", valueQuantity=None, valueRange={"low": {"value": 2}, "high": {"value": Decimal("1.5")}}),
        "Observation.valueRange",
    ),
    "sev-1": (good("AuditEvent", entity=[{"name": "x", "query": "eA=="}]), "AuditEvent.entity[0]"),
}


@pytest.mark.parametrize("key", BROKEN)
def test_invariants_are_told_by_their_ids(key: str) -> None:
    document, at = BROKEN[key]
    found = [(issue.diagnostics.partition(":")[0], issue.severity, issue.expression) for issue in problems(document)]
    assert found == [(key, "error", at)]


def test_a_warning_stops_nothing() -> None:
    document = good("Condition", clinicalStatus=None, abatementDateTime=None)
    assert [issue.severity for issue in problems(document)] == ["warning"]
    check(document)


@pytest.mark.parametrize(
    "document",
    [
        good("Observation", status=None, _status=REASON),
        good("Observation", valueQuantity=None, dataAbsentReason=text("not done")),
        good("Observation", subject={"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}),
        good("Observation", subject={"reference": "https://example.org/fhir/Patient/kim"}),
        good("Observation", subject={"display": "Kim"}),
        good("Patient", contained=[HOSPITAL | {"partOf": {"reference": "#"}}], managingOrganization=None),
        good("CareTeam", period={"start": "2024-05-17T23:00:00Z", "end": "2024-05-17"}),
        good("Patient", birthDate="1980"),
        good("Task", input=[{"type": text("x"), "valueReference": KIM}], owner=LEE),
    ],
    ids=lambda one: str(one["resourceType"]),
)
def test_what_is_unusual_fits_too(document: dict[str, Any]) -> None:
    assert told(document) == []


def test_no_more_than_a_screenful_is_told_and_no_value() -> None:
    names = [{"family": 7, "use": "secret-use", "secret name": "secret"} for _ in range(100)]
    issues = list(problems(good("Patient", name=names, birthDate="secret date")))
    assert len(issues) == MOST_ISSUES
    assert "secret" not in repr(issues)


PLAIN = st.none() | st.booleans() | st.integers() | st.decimals() | st.text() | st.just("#")
MEMBERS = sorted({name for members in types().values() for name in members} | {"resourceType", "_value", ""})
ANY = st.recursive(
    PLAIN,
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS) | st.text(), below, max_size=4)
    ),
    max_leaves=12,
)


@tuned(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from(sorted(GOOD)), data=st.data())
def test_whatever_is_sent_only_yields_issues(kind: str, data: st.DataObject) -> None:
    names = st.sampled_from(sorted(types()[kind]))
    changes = data.draw(st.dictionaries(names, ANY, min_size=1, max_size=3))
    issues = list(problems(good(kind) | changes))
    assert len(issues) <= MOST_ISSUES
    json.dumps([issue.diagnostics for issue in issues])
    assert all(issue.expression.startswith(kind) for issue in issues)


@tuned(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(MEMBERS) | st.text(), ANY, max_size=4))
def test_whatever_object_is_no_resource(document: dict[str, Any]) -> None:
    assert told(document | {"resourceType": document.get("resourceType", 1)}) != []
