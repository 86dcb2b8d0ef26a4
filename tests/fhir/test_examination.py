"""`$validate`, on both databases: what is told of a resource that is sent, and of one that is kept."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from werkzeug.test import TestResponse

from neuronova.audit.journal import AuditJournal
from neuronova.contract.roles import Role
from tests.accounts.api import Api, json_of
from tests.fhir.resources import good

ROOT = "/api/v1/fhir"
Told = tuple[str, str, str]
FINE: Told = ("information", "informational", "")
UNSENT: Told = ("error", "required", "")


def parameters(**named: Any) -> dict[str, Any]:
    listed = [
        {"name": name, "resource": value} if name == "resource" else {"name": name, "valueCode": value}
        for name, value in named.items()
    ]
    return {"resourceType": "Parameters", "parameter": listed}


def told(answer: TestResponse) -> list[Told]:
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/fhir+json"
    body = json_of(answer)
    assert body["resourceType"] == "OperationOutcome"
    return [(one["severity"], one["code"], *one.get("expression", [""])) for one in body["issue"]]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("Patient/$validate", good("Patient"), [FINE]),
        ("Patient/$validate", good("Patient", gender="x"), [("error", "code-invalid", "Patient.gender")]),
        ("Patient/$validate", parameters(resource=good("Patient"), mode="create"), [FINE]),
        ("Patient/$validate?mode=create", good("Patient"), [FINE]),
        (
            "Patient/$validate",
            parameters(resource=good("Patient"), mode="update"),
            [("error", "required", "Patient.id")],
        ),
        ("Patient/$validate", parameters(resource=good("Patient", id="a"), mode="update"), [FINE]),
        ("Patient/$validate", parameters(resource=good("Patient"), mode="x"), [("error", "code-invalid", "")]),
        (
            "Patient/$validate",
            parameters(resource=good("Patient"), profile="https://x.test"),
            [("warning", "not-supported", "")],
        ),
        ("Patient/$validate", parameters(mode="create"), [UNSENT]),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": [1, {"name": 2}]}, [UNSENT]),
        ("Patient/$validate", good("Organization"), [("error", "invalid", "")]),
        ("Patient/$validate", {}, [("error", "invalid", "")]),
        ("Patient/a/$validate", good("Patient", id="b"), [("error", "value", "Patient.id")]),
    ],
)
def test_what_is_sent_is_judged(api: Api, path: str, body: dict[str, Any], expected: list[Told]) -> None:
    assert told(api.client.post(f"{ROOT}/{path}", json=body, headers=api.admin())) == expected


def test_what_is_kept_is_judged_and_recorded(api: Api, journal: AuditJournal) -> None:
    admin = api.admin()
    created = api.client.post(f"{ROOT}/Patient", json=good("Patient"), headers=admin)
    assert created.status_code == 201, created.text
    path = f"{ROOT}/Patient/{json_of(created)['id']}"
    assert told(api.client.post(f"{path}/$validate", json=parameters(mode="delete"), headers=admin)) == [FINE]
    assert told(api.client.post(f"{path}/$validate", json=parameters(mode="profile"), headers=admin)) == [FINE]
    assert events(journal)[-1] == ("read", "allowed", "KIM-1")
    assert api.client.get(path, headers=admin).headers["ETag"] == 'W/"1"'


def test_what_is_not_there_is_a_denial(api: Api, journal: AuditJournal) -> None:
    answer = api.client.post(f"{ROOT}/Patient/a/$validate", json=parameters(mode="delete"), headers=api.admin())
    assert (answer.status_code, json_of(answer)["issue"][0]["code"]) == (404, "not-found")
    assert events(journal)[-1] == ("read", "denied", "")


def events(journal: AuditJournal) -> list[tuple[str, str, str]]:
    """Return the action, outcome and patient of each decision in the journal."""
    with closing(sqlite3.connect(f"file:{journal.path}?mode=ro", uri=True)) as db:
        read = [json.loads(row[0]) for row in db.execute("SELECT event FROM record ORDER BY sequence")]
    return [(one["action"], one["outcome"], one.get("patient_id", "")) for one in read if "refers_to" not in one]


def test_nothing_is_stored(api: Api) -> None:
    admin = api.admin()
    told(api.client.post(f"{ROOT}/Patient/$validate", json=good("Patient", id="a"), headers=admin))
    assert api.client.get(f"{ROOT}/Patient/a", headers=admin).status_code == 404
    assert json_of(api.client.get(f"{ROOT}/Patient", headers=admin))["total"] == 0


@pytest.mark.parametrize(("body", "status"), [("{", 400), ("[]", 400), ('{"a":1,"a":2}', 400)])
def test_what_is_no_json_object_is_refused(api: Api, body: str, status: int) -> None:
    headers = api.admin() | {"Content-Type": "application/fhir+json"}
    assert api.client.post(f"{ROOT}/Patient/$validate", data=body, headers=headers).status_code == status


def test_it_needs_what_reading_needs(api: Api) -> None:
    assert api.client.post(f"{ROOT}/Patient/$validate", json=good("Patient")).status_code == 401
    api.person(Role.NURSE)
    nurse = api.bearer("nurse")
    assert told(api.client.post(f"{ROOT}/Patient/$validate", json=good("Patient"), headers=nurse)) == [FINE]
    refused = api.client.post(f"{ROOT}/AuditEvent/$validate", json=good("AuditEvent"), headers=nurse)
    assert refused.status_code == 403
    unknown = api.client.post(f"{ROOT}/Basic/$validate", json={"resourceType": "Basic"}, headers=nurse)
    assert unknown.status_code == 404


def test_what_does_not_fit_is_not_stored(api: Api) -> None:
    answer = api.client.post(f"{ROOT}/Patient", json=good("Patient", gender="x"), headers=api.admin())
    assert answer.status_code == 422
    assert json_of(answer)["issue"][0]["expression"] == ["Patient.gender"]
