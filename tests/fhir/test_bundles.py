"""Batches and transactions, a patient's whole record, and what the interface says of itself."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from neuronova.contract.audit import Action, Outcome
from neuronova.contract.roles import Role
from tests.fhir.asking import PATIENT_ID, Fhir, issue_of, patient


def entry(method: str, url: str, resource: Any = None, **more: str) -> dict[str, Any]:
    request = {"method": method, "url": url} | {name: value for name, value in more.items() if name != "fullUrl"}
    found: dict[str, Any] = {"request": request}
    if resource is not None:
        found["resource"] = resource
    if "fullUrl" in more:
        found["fullUrl"] = more["fullUrl"]
    return found


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def statuses(answer: dict[str, Any]) -> list[int]:
    return [int(one["response"]["status"][:3]) for one in answer["entry"]]


def condition(whose: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "subject": {"reference": whose}, **more}


def test_the_parts_of_a_transaction_refer_to_one_another(fhir: Fhir) -> None:
    fhir.create({"resourceType": "Organization", "identifier": [{"value": "clinic"}], "name": "Clinic"})
    answer = fhir.ask(
        "POST",
        "",
        bundle(
            "transaction",
            entry("GET", "Patient?identifier=P1"),
            entry("POST", "Condition", condition("urn:uuid:1")),
            entry(
                "POST",
                "Patient",
                patient(managingOrganization={"reference": "Organization?identifier=clinic"}),
                fullUrl="urn:uuid:1",
                ifNoneExist="identifier=P1",
            ),
        ),
    )
    assert answer.status_code == 200, answer.text
    told = answer.get_json(force=True)
    assert (told["type"], statuses(told)) == ("transaction-response", [200, 201, 201])
    (id_,) = fhir.found("/Patient")
    assert told["entry"][0]["resource"]["entry"][0]["resource"]["id"] == id_
    assert fhir.found(f"/Condition?patient={id_}") != []
    assert fhir.found("/Patient?organization.name=clinic") == [id_]
    again = bundle(
        "transaction",
        entry("POST", "Patient", patient(), fullUrl="urn:uuid:1", ifNoneExist="identifier=P1"),
        entry("PUT", "Condition?code=x", condition("urn:uuid:1", code={"coding": [{"code": "x"}]})),
    )
    assert statuses(fhir.ask("POST", "/", again).get_json(force=True)) == [200, 201]
    assert statuses(fhir.ask("POST", "/", again).get_json(force=True)) == [200, 200]
    assert len(fhir.found(f"/Condition?patient={id_}")) == 2


def test_a_transaction_is_all_or_nothing(fhir: Fhir) -> None:
    kept = fhir.create(patient("KEPT"))
    answer = fhir.ask(
        "POST",
        "",
        bundle(
            "transaction",
            entry("POST", "Patient", patient("NEW")),
            entry("DELETE", f"Patient/{kept}"),
            entry("PUT", "Patient/x", patient("X", id="x"), ifMatch='W/"7"'),
        ),
    )
    assert (answer.status_code, issue_of(answer)) == (412, "conflict")
    assert answer.get_json(force=True)["issue"][0]["expression"] == ["Bundle.entry[2]"]
    assert fhir.found("/Patient") == [kept]


def test_each_part_of_a_batch_stands_alone(fhir: Fhir) -> None:
    id_ = fhir.create(patient())
    patch = base64.b64encode(json.dumps([{"op": "add", "path": "/gender", "value": "male"}]).encode()).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": patch}
    answer = fhir.ask(
        "POST",
        "",
        bundle(
            "batch",
            entry("POST", "Patient", patient("P2")),
            entry("POST", "Patient", {"resourceType": "Condition"}),
            entry("GET", "Patient/none"),
            entry("PATCH", f"Patient/{id_}", binary),
            entry("GET", f"Patient/{id_}"),
            entry("GET", f"Patient/{id_}/_history/1"),
            entry("DELETE", "Spaceship/1"),
            {"request": {"method": "JUMP", "url": "Patient"}},
        ),
    ).get_json(force=True)
    assert (answer["type"], statuses(answer)) == ("batch-response", [201, 400, 404, 200, 200, 200, 404, 400])
    assert answer["entry"][4]["resource"]["gender"] == "male"
    assert answer["entry"][1]["response"]["outcome"]["issue"][0]["severity"] == "error"
    assert len(fhir.found("/Patient")) == 2


def test_each_part_is_recorded_with_its_patient(fhir: Fhir) -> None:
    first, second = fhir.create(patient("P1")), fhir.create(patient("P2"))
    fhir.api.clock.time += 60  # within a minute, accesses of a kind are counted into the first one's record
    before = len(fhir.events())
    parts = (entry("POST", "Condition", condition(f"Patient/{one}")) for one in (first, second))
    fhir.ask("POST", "", bundle("batch", *parts, entry("GET", f"Patient/{first}")))
    told = [(one.action, one.outcome, one.patient_id) for one in fhir.events()[before:]]
    assert told == [
        (Action.STORE, Outcome.ALLOWED, "P1"),
        (Action.STORE, Outcome.ALLOWED, "P2"),
        (Action.READ, Outcome.ALLOWED, "P1"),
    ]


def test_a_bundle_gets_no_further_than_its_sender(fhir: Fhir) -> None:
    id_ = fhir.create(patient())
    parts = (entry("POST", "Condition", condition(f"Patient/{id_}")), entry("GET", f"Patient/{id_}"))
    answer = fhir.ask("POST", "", bundle("batch", *parts), role=Role.DOCTOR).get_json(force=True)
    assert statuses(answer) == [403, 404]
    refused = fhir.ask("POST", "", bundle("transaction", *parts), role=Role.NURSE)
    assert refused.status_code == 403
    conditional = condition(f"Patient?identifier={PATIENT_ID}|P1")
    hidden = fhir.ask("POST", "", bundle("transaction", entry("POST", "Condition", conditional)), role=Role.DOCTOR)
    assert hidden.status_code == 412


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Bundle", "type": "history"},
        {"resourceType": "Patient"},
        bundle("transaction", {"resource": {}}),
        bundle("transaction", entry("POST", "Patient")),
        bundle("transaction", entry("PUT", "Patient/a", patient(id="a")), entry("DELETE", "Patient/a")),
        bundle("batch") | {"entry": {}},
    ],
)
def test_what_is_no_bundle_is_refused(fhir: Fhir, body: Any) -> None:
    answer = fhir.ask("POST", "", body)
    assert answer.status_code == 400, answer.text
    issue_of(answer)


def test_a_patient_s_whole_record_comes_in_pages(fhir: Fhir) -> None:
    clinic = fhir.create({"resourceType": "Organization", "name": "Clinic"})
    id_ = fhir.create(patient(managingOrganization={"reference": f"Organization/{clinic}"}))
    other = fhir.create(patient("P2"))
    for whose in (id_, id_, other):
        fhir.create(condition(f"Patient/{whose}"))
    seen: list[tuple[str, str]] = []
    path = f"/Patient/{id_}/$everything?_count=2"
    while path:
        page = fhir.bundle(path)
        assert page["total"] == 3
        seen += [(one["resource"]["resourceType"], one["search"]["mode"]) for one in page["entry"]]
        following = [one["url"] for one in page["link"] if one["relation"] == "next"]
        path = following[0].partition("/api/v1/fhir")[2] if following else ""
    assert sorted(seen) == [
        ("Condition", "match"),
        ("Condition", "match"),
        ("Organization", "include"),
        ("Patient", "match"),
    ]
    assert {one["resource"]["resourceType"] for one in fhir.entries(f"/Patient/{id_}/$everything?_type=Condition")} == {
        "Condition"
    }
    assert fhir.ask("GET", f"/Patient/{id_}/$everything", role=Role.DOCTOR).status_code == 404


def test_the_statement_says_what_works(fhir: Fhir) -> None:
    statement = fhir.ask("GET", "/metadata", role=None).get_json(force=True)
    assert statement["fhirVersion"] == "4.0.1"
    (rest,) = statement["rest"]
    assert len(rest["resource"]) == 22
    wrong = []
    for resource in rest["resource"]:
        kind = resource["type"]
        values = {"date": "2026", "number": "1", "quantity": "1"}
        conditions = "&".join(f"{one['name']}={values.get(one['type'], 'x')}" for one in resource["searchParam"])
        includes = "&".join(f"_include={one}" for one in resource["searchInclude"])
        back = "&".join(f"_revinclude={one}" for one in resource["searchRevInclude"])
        sorts = ",".join(one["name"] for one in resource["searchParam"])
        for query in (conditions, includes, back, f"_sort={sorts}"):
            answer = fhir.ask("GET", f"/{kind}?{query}", Prefer="handling=strict")
            if answer.status_code != 200:
                wrong.append((kind, query[:80], answer.text[:200]))
    assert wrong == []
