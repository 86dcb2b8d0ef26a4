"""The record's side of a merge, on both databases: what moves, what is told, who sees it, and the way back."""

from __future__ import annotations

from typing import Any

import pytest

from cdss_api.reading.waiting import REPORT_OF
from neuronova.contract.roles import Role
from tests.fhir.asking import Fhir, issue_of
from tests.merging.asking import (
    CODE,
    SOURCE,
    TARGET,
    Json,
    a_patient,
    content,
    document,
    merged,
    parameters,
    put,
    refers,
    two_patients,
)

MOVED = ["Condition/c", "ServiceRequest/o", "DiagnosticReport/r", "CareTeam/t"]


@pytest.fixture
def both(fhir: Fhir) -> Fhir:
    return two_patients(fhir)


def decide(fhir: Fhir, merge: str, decision: str) -> int:
    url = f"/api/v1/imaging/merges/{merge}"
    return fhir.api.client.post(url, json={"decision": decision}, headers=fhir.header(Role.ADMIN)).status_code


def test_the_record_becomes_the_target_s_and_comes_back(both: Fhir) -> None:
    before = {address: content(both, address) for address in (SOURCE, TARGET, *MOVED)}
    assert set(both.found("/Condition", Role.DOCTOR)) == {"c"}
    merge = merged(both)
    source, target = content(both, SOURCE), content(both, TARGET)
    assert source == before[SOURCE] | {
        "active": False,
        "link": [{"other": {"reference": TARGET}, "type": "replaced-by"}],
    }
    assert target["link"] == [{"other": {"reference": SOURCE}, "type": "replaces"}]
    assert target["identifier"] == [
        {"system": "urn:oid:2.16.840.1", "value": "T-1"},
        {"system": "urn:oid:2.16.840.1", "value": "S-1", "use": "old"},
    ]
    for address in MOVED:
        assert content(both, address) == before[address] | {"subject": {"reference": TARGET}}
        assert document(both, address)["meta"]["versionId"] == "2"
    # The team came along: its doctor has the target's whole record now, and the source's stub no more.
    assert set(both.found("/Condition", Role.DOCTOR)) == {"c", "own"}
    assert both.found("/Patient", Role.DOCTOR) == ["target"]
    assert decide(both, merge, "undo") == 204
    assert {address: content(both, address) for address in before} == before
    assert set(both.found("/Condition", Role.DOCTOR)) == {"c"}
    assert decide(both, merge, "undo") == 409


def test_who_was_let_to_the_source_by_name_does_not_see_the_target(both: Fhir) -> None:
    account = both.account(Role.NURSE)
    for number in ("S-1", "T-1"):
        body = {"patient_id": number, "issuer": "urn:oid:2.16.840.1"}
        given = both.account(Role.NURSE) if number == "S-1" else both.account(Role.DOCTOR)
        url = f"/api/v1/users/{given}/grants"
        assert both.api.client.post(url, json=body, headers=both.header(Role.ADMIN)).status_code == 201
    assert account
    assert both.found("/Condition", Role.NURSE) == ["c"]
    merged(both)
    assert both.found("/Condition", Role.NURSE) == []
    assert both.found("/Patient", Role.NURSE) == ["source"]


def test_undoing_keeps_what_was_written_since(both: Fhir) -> None:
    merge = merged(both)
    put(both, document(both, "Condition/c") | {"note": [{"text": "later"}]})
    put(both, document(both, TARGET) | {"gender": "male"})
    put(both, refers("Condition", "new", "target"))
    assert decide(both, merge, "undo") == 204
    assert content(both, "Condition/c")["subject"] == {"reference": SOURCE}
    assert content(both, "Condition/c")["note"] == [{"text": "later"}]
    assert content(both, "Condition/new")["subject"]["reference"] == TARGET
    target = content(both, TARGET)
    assert target["gender"] == "male"
    assert "link" not in target
    assert [one["value"] for one in target["identifier"]] == ["T-1"]


def test_a_preview_changes_nothing_and_counts(both: Fhir) -> None:
    answer = both.ask("POST", "/Patient/$merge", parameters(preview=True))
    assert answer.status_code == 200
    told = {one["name"]: one["resource"] for one in answer.get_json(force=True)["parameter"]}
    said = [one["diagnostics"] for one in told["outcome"]["issue"]]
    assert said[0] == "Resources that would become the target's: 4."
    assert said[-1] == "Studies that would follow: 0, with 0 objects."
    assert told["result"]["link"] == [{"other": {"reference": SOURCE}, "type": "replaces"}]
    assert document(both, SOURCE)["meta"]["versionId"] == "1"
    assert document(both, TARGET)["meta"]["versionId"] == "1"


def test_a_result_may_be_given_and_identifiers_may_name_both(both: Fhir) -> None:
    result = a_patient("target", "T-1", gender="male", name=[{"family": "Hong", "given": ["Gil-dong"]}])
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "source-patient-identifier",
                "valueIdentifier": {"system": "urn:oid:2.16.840.1", "value": "S-1"},
            },
            {
                "name": "target-patient-identifier",
                "valueIdentifier": {"system": "urn:oid:2.16.840.1", "value": "T-1"},
            },
            {"name": "result-patient", "resource": result},
        ],
    }
    assert both.ask("POST", "/Patient/$merge", body).status_code == 200
    assert content(both, TARGET)["name"] == result["name"]


def odd(**more: Any) -> Json:
    return parameters(**more)


REFUSED: list[tuple[str, Json, int, str]] = [
    ("same", odd(source="target"), 422, "business-rule"),
    ("missing", odd(source="nobody"), 422, "not-found"),
    ("no-parameters", {"resourceType": "Patient"}, 400, "invalid"),
    ("no-target", {"resourceType": "Parameters", "parameter": parameters()["parameter"][:1]}, 400, "invalid"),
    ("twice", {"resourceType": "Parameters", "parameter": parameters()["parameter"] * 2}, 400, "invalid"),
    ("unknown", {"resourceType": "Parameters", "parameter": [{"name": "x"}]}, 400, "invalid"),
    ("other-result", odd(result=a_patient("other", "T-1")), 422, "business-rule"),
    ("lost-identifier", odd(result=a_patient("target", "T-2")), 422, "business-rule"),
]


@pytest.mark.parametrize(("body", "status", "code"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED])
def test_what_cannot_be_merged_is_told(both: Fhir, body: Json, status: int, code: str) -> None:
    answer = both.ask("POST", "/Patient/$merge", body)
    assert (answer.status_code, issue_of(answer)) == (status, code)
    assert document(both, TARGET)["meta"]["versionId"] == "1"


@pytest.mark.parametrize("role", [Role.RADIOLOGIST, Role.DOCTOR, Role.TECHNOLOGIST, Role.PATIENT])
def test_only_admins_merge(both: Fhir, role: Role) -> None:
    answer = both.ask("POST", "/Patient/$merge", parameters(), role=role)
    assert (answer.status_code, issue_of(answer)) == (403, "forbidden")


def test_one_merge_of_a_patient_at_a_time_and_none_into_who_is_gone(both: Fhir) -> None:
    merge = merged(both)
    put(both, a_patient("third", "X-1"))
    answer = both.ask("POST", "/Patient/$merge", parameters("third", "target"))
    assert (answer.status_code, issue_of(answer)) == (409, "conflict")
    assert decide(both, merge, "confirm") == 204
    assert decide(both, merge, "undo") == 409
    assert decide(both, merged(both), "confirm") == 204  # once more, for what came since
    answer = both.ask("POST", "/Patient/$merge", parameters("third", "source"))
    assert (answer.status_code, issue_of(answer)) == (422, "business-rule")
    assert both.ask("POST", "/Patient/$merge", parameters("third", "target")).status_code == 200


def test_a_signed_report_is_not_given_away_by_a_client(both: Fhir) -> None:
    report = refers("DiagnosticReport", "signed", status="final", code=CODE)
    report["identifier"] = [{"system": REPORT_OF, "value": "urn:oid:1.2.3.4"}]
    assert both.ask("PUT", "/DiagnosticReport/signed", report, role=Role.RADIOLOGIST).status_code == 201
    merged(both)
    assert content(both, "DiagnosticReport/signed")["subject"]["reference"] == TARGET
    taken = content(both, "DiagnosticReport/signed") | {"subject": {"reference": SOURCE}}
    assert both.ask("PUT", "/DiagnosticReport/signed", taken).status_code == 409
