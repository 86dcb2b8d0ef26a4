"""Scopes at every interaction, and what clients are told of how to get in."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from neuronova.contract.roles import Role
from neuronova.contract.scopes import parse_scopes
from neuronova.contract.token import Claims
from tests.accounts.api import Api
from tests.clients.program import TOKEN, registered
from tests.fhir.asking import JSON, ROOT, Fhir, issue_of, patient

PATCH = '[{"op":"add","path":"/active","value":true}]'
CONDITION = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}}


@pytest.fixture
def kept(fhir: Fhir) -> Fhir:
    """A patient with a condition."""
    fhir.ask("PUT", "/Patient/p", patient("P1", id="p"))
    assert fhir.ask("PUT", "/Condition/c", CONDITION).status_code == 201
    return fhir


def ask(fhir: Fhir, scope: str, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
    """Ask as a client, one for each question, with a token for this scope."""
    program = registered(fhir.api, name=f"client of {len(fhir.api.journal.events)}")
    given = program.bearer(scope) | {name.replace("_", "-"): value for name, value in headers.items()}
    kind = "application/json-patch+json" if method == "PATCH" else JSON
    data = body if isinstance(body, str | None) else json.dumps(body)
    return fhir.api.client.open(f"{ROOT}{path}", method=method, data=data, content_type=kind, headers=given)


def entry(method: str, url: str, resource: Any = None) -> dict[str, Any]:
    return {"request": {"method": method, "url": url}, **({"resource": resource} if resource else {})}


# method, path, body, the letters for Patient that it takes
TAKES: list[tuple[str, str, Any, str]] = [
    ("GET", "/Patient/p", None, "r"),
    ("GET", "/Patient/p/_history/1", None, "r"),
    ("GET", "/Patient/p/_history", None, "r"),
    ("GET", "/Patient/_history", None, "s"),
    ("GET", "/Patient", None, "s"),
    ("POST", "/Patient/_search", "", "s"),
    ("GET", "/Patient/p/$everything", None, "r"),
    ("POST", "/Patient/$validate", patient(), "r"),
    ("POST", "/Patient", patient("P2"), "c"),
    ("PUT", "/Patient/p", patient("P1", id="p"), "u"),
    ("PUT", "/Patient?identifier=P1", patient("P1"), "us"),
    ("PATCH", "/Patient/p", PATCH, "ru"),
    ("DELETE", "/Patient?identifier=none", None, "ds"),
    ("DELETE", "/Patient/q", None, "d"),
]


@pytest.mark.parametrize(("method", "path", "body", "letters"), TAKES)
def test_each_interaction_takes_its_scope(kept: Fhir, method: str, path: str, body: Any, letters: str) -> None:
    given = "".join(one for one in "cruds" if one in letters)
    kept.ask("PUT", "/Patient/q", patient("Q", id="q"))
    assert ask(kept, f"system/Patient.{given}", method, path, body).status_code < 300
    for missing in letters:
        others = "".join(one for one in "cruds" if one != missing)
        refused = ask(kept, f"system/Patient.{others} system/Condition.cruds", method, path, body)
        assert (refused.status_code, issue_of(refused)) == (403, "forbidden")
        assert refused.headers["WWW-Authenticate"].endswith(f'scope="system/Patient.{missing}"')


def test_a_condition_takes_the_right_to_search(kept: Fhir) -> None:
    answer = ask(kept, "system/Patient.c", "POST", "/Patient", patient("P3"), If_None_Exist="identifier=P1")
    assert (answer.status_code, issue_of(answer)) == (403, "forbidden")


@pytest.mark.parametrize("path", ["/Patient?_has:Condition:patient:_id=c", "/Patient?_has:AuditEvent:patient:_id=c"])
def test_a_search_looks_into_no_other_type(kept: Fhir, path: str) -> None:
    assert ask(kept, "system/Patient.rs", "GET", path).status_code == 403
    assert ask(kept, "system/*.rs", "GET", path).status_code == 200
    assert ask(kept, "system/Condition.rs", "GET", "/Condition?patient.identifier=P1").status_code == 403


def test_what_comes_along_is_within_the_scope(kept: Fhir) -> None:
    for path in ("/Patient?_revinclude=Condition:patient", "/Patient/p/$everything"):
        for scope, expected in (("system/Patient.rs", ["Patient"]), ("system/*.rs", ["Patient", "Condition"])):
            bundle = ask(kept, scope, "GET", path).get_json(force=True)
            assert [one["resource"]["resourceType"] for one in bundle["entry"]] == expected
    assert ask(kept, "system/Patient.rs", "GET", "/Patient/p/$everything").get_json(force=True)["total"] == 1


def test_each_entry_of_a_bundle_takes_its_scope(kept: Fhir) -> None:
    entries = [entry("GET", "Patient/p"), entry("GET", "Condition/c"), entry("DELETE", "Patient/p")]
    entries.append(entry("PUT", "Patient/p", patient("P1", id="p")))
    batch = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answered = ask(kept, "system/Patient.ru", "POST", "", batch).get_json(force=True)
    statuses = [one["response"]["status"][:3] for one in answered["entry"]]
    assert statuses == ["200", "403", "403", "200"]
    refused = ask(kept, "system/Patient.ru", "POST", "", batch | {"type": "transaction", "entry": entries[:2]})
    assert (refused.status_code, issue_of(refused)) == (403, "forbidden")


def test_scopes_of_a_person_narrow_their_role(kept: Fhir) -> None:
    def status(role: Role, scopes: str | None, method: str, path: str, body: Any = None) -> int:
        headers = _signed(kept.api, kept.account(role), role, scopes)
        return kept.api.client.open(f"{ROOT}{path}", method=method, json=body, headers=headers).status_code

    assert status(Role.RADIOLOGIST, None, "GET", "/Patient/p") == 200
    assert status(Role.RADIOLOGIST, "user/Patient.r", "GET", "/Patient/p") == 200
    assert status(Role.RADIOLOGIST, "user/Patient.r", "GET", "/Condition/c") == 403
    assert status(Role.RADIOLOGIST, "system/*.cruds", "GET", "/Patient/p") == 403, "that is not of a person"
    assert status(Role.RADIOLOGIST, "user/*.cruds", "POST", "/Patient", patient("P4")) == 403, "nor is it of the role"
    assert status(Role.DOCTOR, "user/*.cruds", "GET", "/Patient/p") == 404, "nor are others' patients"


def test_a_client_s_token_is_of_use_for_fhir_alone(kept: Fhir) -> None:
    bearer = registered(kept.api).bearer()
    for path in ("/users", "/clients", "/audit/records", "/modalities"):
        assert kept.api.client.get(f"/api/v1{path}", headers=bearer).status_code == 403


def test_the_configuration_says_what_works(fhir: Fhir) -> None:
    told = fhir.ask("GET", "/.well-known/smart-configuration", role=None)
    assert (told.status_code, told.content_type) == (200, "application/json")
    known = told.get_json()
    assert urlsplit(known["token_endpoint"]).path == TOKEN
    assert fhir.api.client.get(urlsplit(known["jwks_uri"]).path).status_code == 200
    program = registered(fhir.api)
    for algorithm in known["token_endpoint_auth_signing_alg_values_supported"]:
        assertion = program.assertion(algorithm, aud=known["token_endpoint"])
        granted = program.ask(
            " ".join(known["scopes_supported"]), assertion, grant_type=known["grant_types_supported"][0]
        )
        assert granted.status_code == 200, granted.text
    statement = fhir.ask("GET", "/metadata", role=None).get_json(force=True)
    security = statement["rest"][0]["security"]
    assert security["extension"][0]["extension"] == [{"url": "token", "valueUri": known["token_endpoint"]}]
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    assert "authorization_endpoint" not in known


def _signed(api: Api, account: str, role: Role, scopes: str | None) -> dict[str, str]:
    now = int(api.clock())
    claims = Claims(
        subject=account,
        role=role,
        token_id="token",
        session="session",
        issued_at=now,
        expires_at=now + 60,
        fhir=None if scopes is None else parse_scopes(scopes),
    )
    with api.service.database.reading() as session:
        return {"Authorization": f"Bearer {api.service.keyring.sign(session, claims)[0]}"}
