"""Who reads and writes whose records: the permissions of images hold for FHIR."""

from __future__ import annotations

import re
from typing import Any

import pytest

from neuronova.contract.audit import Action, Outcome
from neuronova.contract.roles import Role
from tests.accounts.api import KIM
from tests.fhir.asking import JSON, PATIENT_ID, ROOT, Fhir, issue_of, patient

NAMES = re.compile(r"<(?:path:)?(\w+)>")
OPEN = {"_unknown", "metadata", "smart_configuration"}  # which tell of no resource
STAFF = [Role.DOCTOR, Role.NURSE, Role.TECHNOLOGIST, Role.PATIENT]


@pytest.fixture
def ward(fhir: Fhir) -> Fhir:
    """Two patients with a condition each; doctor and nurse care for the first, who has an account."""
    first = patient(KIM.patient_id, id="first")
    first["identifier"][0]["system"] = KIM.issuer
    fhir.ask("PUT", "/Patient/first", first)
    fhir.ask("PUT", "/Patient/second", patient("P2", id="second"))
    for number, whose in enumerate(("first", "second"), 1):
        body = {"resourceType": "Condition", "id": f"c{number}", "subject": {"reference": f"Patient/{whose}"}}
        assert fhir.ask("PUT", f"/Condition/c{number}", body).status_code == 201
    fhir.create({"resourceType": "Device"})
    fhir.ask("PUT", "/Organization/clinic", {"resourceType": "Organization", "id": "clinic", "name": "Clinic"})
    for role in (Role.DOCTOR, Role.NURSE):
        body = {"patient_id": KIM.patient_id, "issuer": KIM.issuer}
        answer = fhir.api.client.post(
            f"/api/v1/users/{fhir.account(role)}/grants", json=body, headers=fhir.header(Role.ADMIN)
        )
        assert answer.status_code == 201
    return fhir


SEEN = [
    (Role.ADMIN, {"first", "second"}, {"c1", "c2"}),
    (Role.RADIOLOGIST, {"first", "second"}, {"c1", "c2"}),
    (Role.DOCTOR, {"first"}, {"c1"}),
    (Role.NURSE, {"first"}, {"c1"}),
    (Role.PATIENT, {"first"}, {"c1"}),
    (Role.TECHNOLOGIST, set(), set()),
]


@pytest.mark.parametrize(("role", "patients", "conditions"), SEEN, ids=[row[0].value for row in SEEN])
def test_each_role_sees_its_patients(ward: Fhir, role: Role, patients: set[str], conditions: set[str]) -> None:
    assert set(ward.found("/Patient", role)) == patients
    assert ward.bundle("/Patient", role)["total"] == len(patients)
    assert set(ward.found("/Condition", role)) == conditions
    assert ward.found("/Organization", role) == ["clinic"]
    assert len(ward.found("/Device", role)) == (role in (Role.ADMIN, Role.RADIOLOGIST))  # it is nobody's
    for id_, seen in (("c1", "c1" in conditions), ("c2", "c2" in conditions), ("none", False)):
        for path in (f"/Condition/{id_}", f"/Condition/{id_}/_history", f"/Condition/{id_}/_history/1"):
            assert ward.ask("GET", path, role=role).status_code == (200 if seen else 404), path
    unseen, missing = (ward.ask("GET", f"/Condition/{id_}", role=role) for id_ in ("c2", "none"))
    if "c2" not in conditions:
        assert unseen.text == missing.text


@pytest.mark.parametrize("role", STAFF)
def test_another_s_record_cannot_be_reached_by_a_detour(ward: Fhir, role: Role) -> None:
    for path in (
        "/Patient?_has:Condition:patient:_id=c2",
        f"/Condition?patient.identifier={PATIENT_ID}|P2",
        "/Condition?patient=second",
        "/Condition?_id=c2&_include=Condition:patient",
        "/Patient?_revinclude=Condition:patient&_id=second",
        "/Condition/_history?_id=c2",
    ):
        ids = {one["resource"]["id"] for one in ward.entries_of_any(path, role)}
        assert ids.isdisjoint({"c2", "second"}), path


REQUIRED: dict[str, dict[str, Any]] = {
    "DiagnosticReport": {"status": "final", "code": {"text": "CT"}},
    "Observation": {"status": "final", "code": {"text": "weight"}},
    "ServiceRequest": {"status": "active", "intent": "order"},
}
WRITES = [
    (Role.ADMIN, "Condition", "second", 201),
    (Role.RADIOLOGIST, "Condition", "first", 403),
    (Role.RADIOLOGIST, "DiagnosticReport", "second", 201),
    (Role.DOCTOR, "Condition", "first", 201),
    (Role.DOCTOR, "ServiceRequest", "first", 201),
    (Role.DOCTOR, "Condition", "second", 403),
    (Role.DOCTOR, "DiagnosticReport", "first", 403),
    (Role.DOCTOR, "CareTeam", "first", 403),
    (Role.NURSE, "Observation", "first", 201),
    (Role.NURSE, "ServiceRequest", "first", 403),
    (Role.TECHNOLOGIST, "ServiceRequest", "first", 403),
    (Role.PATIENT, "Observation", "first", 403),
]


@pytest.mark.parametrize(("role", "kind", "whose", "status"), WRITES)
def test_each_role_writes_what_is_its_own(ward: Fhir, role: Role, kind: str, whose: str, status: int) -> None:
    body = {"resourceType": kind, "subject": {"reference": f"Patient/{whose}"}, **REQUIRED.get(kind, {})}
    answer = ward.ask("POST", f"/{kind}", body, role=role)
    assert answer.status_code == status, answer.text


def test_a_record_is_not_moved_to_or_from_a_patient_that_one_does_not_see(ward: Fhir) -> None:
    def condition(id_: str, whose: str) -> dict[str, object]:
        return {"resourceType": "Condition", "id": id_, "subject": {"reference": f"Patient/{whose}"}}

    assert ward.ask("PUT", "/Condition/c1", condition("c1", "second"), role=Role.DOCTOR).status_code == 403
    assert ward.ask("PUT", "/Condition/c2", condition("c2", "first"), role=Role.DOCTOR).status_code == 404
    assert ward.ask("DELETE", "/Condition/c2", role=Role.DOCTOR).status_code == 404
    patch = '[{"op":"replace","path":"/subject/reference","value":"Patient/second"}]'
    moved = ward.ask("PATCH", "/Condition/c1", patch, role=Role.DOCTOR, Content_Type="application/json-patch+json")
    assert moved.status_code == 403
    assert ward.ask("GET", "/Condition/c1").headers["ETag"] == 'W/"1"'


def test_a_technologist_sees_the_patients_of_the_day(ward: Fhir) -> None:
    subject = {"reference": "Patient/second"}
    ward.create({"resourceType": "ServiceRequest", "subject": subject, **REQUIRED["ServiceRequest"]})
    assert ward.found("/Patient", Role.TECHNOLOGIST) == ["second"]
    ward.api.clock.time += 86400 * 400
    ward.forget()
    assert ward.found("/Patient", Role.TECHNOLOGIST) == []


def test_without_a_token_nothing_is_told(ward: Fhir) -> None:
    answer = ward.ask("GET", "/Patient/first", role=None)
    assert (answer.status_code, issue_of(answer)) == (401, "login")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for rule in ward.api.app.url_map.iter_rules():
        if not rule.endpoint.startswith("fhir.") or rule.endpoint.removeprefix("fhir.") in OPEN:
            continue
        path = NAMES.sub(lambda name: {"kind": "Patient"}.get(name[1], "first"), rule.rule).removeprefix(ROOT)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            kind = "application/json-patch+json" if method == "PATCH" else JSON
            body = None if method in ("GET", "DELETE") else "[]" if method == "PATCH" else '{"resourceType":"Patient"}'
            answer = ward.ask(method, path, body, role=None, Content_Type=kind)
            assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"


def test_each_access_is_recorded_with_its_patient(ward: Fhir) -> None:
    before = len(ward.events())
    ward.ask("GET", "/Condition/c1", role=Role.DOCTOR)
    ward.ask("GET", "/Condition/c2", role=Role.DOCTOR)
    ward.ask("GET", "/Condition?code=x", role=Role.DOCTOR)
    told = [(one.action, one.outcome, one.patient_id, one.issuer) for one in ward.events()[before:]]
    assert told == [
        (Action.READ, Outcome.ALLOWED, KIM.patient_id, KIM.issuer),
        (Action.READ, Outcome.DENIED, "", ""),
        (Action.QUERY, Outcome.ALLOWED, "", ""),
    ]
    assert all(one.subject == ward.account(Role.DOCTOR) for one in ward.events()[before:])


def test_what_cannot_be_recorded_is_not_done(ward: Fhir) -> None:
    ward.break_journal()
    assert ward.ask("GET", "/Condition/c1").status_code == 503
    assert ward.ask("DELETE", "/Condition/c1").status_code == 503
    ward.mend_journal()
    assert ward.ask("GET", "/Condition/c1").status_code == 200
