"""The token endpoint: who gets a token, who does not, and what ends it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cdss_api.accounts.limits import PER_ADDRESS
from cdss_api.accounts.people import Odd
from neuronova.contract.grants import Revocation
from neuronova.contract.roles import Role
from neuronova.contract.token import verify
from tests.accounts.api import Api, code_of, json_of
from tests.clients.program import KEYS, TOKEN, WEAK, Program, error_of, key_set, public, registered


@pytest.mark.parametrize("algorithm", sorted(KEYS))
def test_a_client_with_its_key_gets_a_token_of_five_minutes(api: Api, algorithm: str) -> None:
    program = registered(api, "system/Patient.rs")
    answer = program.ask("system/Patient.read", program.assertion(algorithm))
    assert answer.status_code == 200, answer.text
    told = json_of(answer)
    assert {name: told[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "bearer",
        "expires_in": 300,
        "scope": "system/Patient.rs",
    }
    assert answer.headers["Cache-Control"] == "no-store"
    with api.service.database.reading() as session:
        claims = verify(told["access_token"], api.service.keyring.public_keys(session, api.clock()), api.clock())
    assert (claims.role, claims.expires_at - claims.issued_at) == (Role.SERVICE, 300)
    assert claims.permissions == frozenset(), "outside of FHIR a client may nothing"
    assert api.journal.actions() == ["client-add done", "client-token done"]
    assert api.me(told["access_token"]).status_code == 200
    api.clock.time += 306
    assert code_of(api.me(told["access_token"])) == "token_expired"


def test_an_assertion_is_used_once(api: Api) -> None:
    program = registered(api)
    assertion = program.assertion()
    assert program.ask(assertion=assertion).status_code == 200
    again = program.ask(assertion=assertion)
    assert (again.status_code, error_of(again)) == (401, "invalid_client")
    assert api.journal.actions()[-1] == "client-token denied"
    other = program.assertion(jti="another")
    assert program.ask(assertion=other).status_code == 200


def test_of_many_that_use_an_assertion_at_once_one_gets_a_token(api: Api) -> None:
    program = registered(api)
    form = {"assertion": program.assertion()}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: program.ask(**form).status_code, range(6)))
    assert sorted(answers) == [200, 401, 401, 401, 401, 401]


def test_used_assertions_are_forgotten_when_they_could_not_come_again(api: Api) -> None:
    from sqlalchemy import func, select

    from cdss_api.clients.models import UsedAssertion

    program = registered(api)
    old = program.assertion()
    assert program.ask(assertion=old).status_code == 200
    api.clock.time += 306
    assert error_of(program.ask(assertion=old)) == "invalid_client"
    assert program.ask().status_code == 200
    with api.service.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(UsedAssertion)) == 1


NOW = 1_800_000_000
WRONG: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW - 6},
    "too long": {"exp": NOW + 306},
    "no end": {"exp": None},
    "odd end": {"exp": "soon"},
    "endless": {"exp": float("inf")},
    "of the future": {"iat": NOW + 60},
    "not yet": {"nbf": NOW + 60},
    "no jti": {"jti": None},
    "odd jti": {"jti": 7},
    "long jti": {"jti": "x" * 256},
    "another's subject": {"sub": "somebody"},
    "no subject": {"sub": None},
    "no audience": {"aud": None},
    "another audience": {"aud": "https://elsewhere.example/api/v1/auth/token"},
    "the interface as audience": {"aud": "http://127.0.0.1:8080/api/v1/fhir"},
    "unknown": {"iss": "0" * 32, "sub": "0" * 32},
    "odd name": {"iss": "\x00' OR 1", "sub": "\x00' OR 1"},
    "unknown key": {"kid": "other"},
    "key of another kind": {"algorithm": "ES384", "kid": "RS384"},
    "another's key": {"key": ec.generate_private_key(ec.SECP384R1())},
}


@pytest.mark.parametrize("changed", WRONG.values(), ids=WRONG.keys())
def test_an_assertion_that_does_not_hold_gets_nothing(api: Api, changed: dict[str, Any]) -> None:
    program = registered(api)
    assert int(api.clock()) == NOW
    answer = program.ask(assertion=program.assertion(**changed))
    assert (answer.status_code, error_of(answer)) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"]
    assert program.client_id not in answer.text


def test_the_host_that_a_request_names_is_no_audience(api: Api) -> None:
    program = registered(api)
    assertion = program.assertion(aud=f"http://elsewhere.example{TOKEN}")
    form = {"grant_type": "client_credentials", "scope": "system/*.r", "client_assertion": assertion}
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    answer = api.client.post(TOKEN, data=form, headers={"Host": "elsewhere.example"})
    assert error_of(answer) == "invalid_client"


def test_a_shared_secret_or_none_signs_nothing(api: Api) -> None:
    program = registered(api)
    claims = jwt.decode(program.assertion(), options={"verify_signature": False})
    for forged in (
        jwt.encode(claims, "", "none", headers={"kid": "ES384"}),
        jwt.encode(claims, "s" * 48, "HS384", headers={"kid": "ES384"}),
    ):
        assert error_of(program.ask(assertion=forged)) == "invalid_client"


ODD: dict[str, tuple[dict[str, Any], str]] = {
    "no grant type": ({"grant_type": None}, "invalid_request"),
    "password": ({"grant_type": "password"}, "unsupported_grant_type"),
    "secret": ({"client_assertion_type": None, "client_secret": "x"}, "invalid_client"),
    "no assertion": ({"client_assertion": None}, "invalid_client"),
    "no token": ({"client_assertion": "x.y.z"}, "invalid_client"),
    "long": ({"client_assertion": "x" * 9000}, "invalid_client"),
    "another client": ({"client_id": "0" * 32}, "invalid_client"),
    "no scope": ({"scope": None}, "invalid_scope"),
    "odd scope": ({"scope": "everything"}, "invalid_scope"),
    "search": ({"scope": "system/Observation.rs?category=laboratory"}, "invalid_scope"),
    "not its own": ({"scope": "system/Condition.rs user/Patient.r"}, "invalid_scope"),
    "twice": ({"scope": ["system/Patient.r", "system/Patient.s"]}, "invalid_request"),
}


@pytest.mark.parametrize(("changed", "code"), ODD.values(), ids=ODD.keys())
def test_an_odd_question_gets_the_error_of_its_kind(api: Api, changed: dict[str, Any], code: str) -> None:
    program = registered(api, "system/Patient.rs")
    answer = program.ask(**{"scope": "system/Patient.rs", **changed})
    assert (answer.status_code, error_of(answer)) == (401 if code == "invalid_client" else 400, code)


def test_a_disabled_client_s_tokens_end_at_once_and_stay_ended(api: Api) -> None:
    program, admin = registered(api), api.admin()
    bearer, before = program.bearer(), api.update().version
    path = f"/api/v1/clients/{program.client_id}"
    assert api.client.patch(path, json={"enabled": False}, headers=admin).status_code == 200
    assert code_of(api.client.get("/api/v1/auth/me", headers=bearer)) == "token_revoked"
    assert error_of(program.ask()) == "invalid_client"
    assert [type(change) for change in api.update(before).changes] == [Revocation]
    assert api.client.patch(path, json={"enabled": True}, headers=admin).status_code == 200
    assert code_of(api.client.get("/api/v1/auth/me", headers=bearer)) == "token_revoked"
    again = program.bearer()
    assert api.client.get("/api/v1/auth/me", headers=again).status_code == 200


def test_guessing_is_stopped(api: Api) -> None:
    program = registered(api)
    for _ in range(PER_ADDRESS):
        assert program.ask(client_assertion="x.y.z").status_code == 401
    assert program.ask().status_code == 429


def test_registered_over_http_and_shown(api: Api) -> None:
    body = {"name": "Registry", "scopes": "system/*.read", "jwks": key_set("ES384")}
    made = api.client.post("/api/v1/clients", json=body, headers=api.admin())
    assert made.status_code == 201, made.text
    program = Program(api, json_of(made)["client_id"])
    assert json_of(program.ask("system/Patient.cruds"))["scope"] == "system/Patient.rs"
    assert code_of(api.client.post("/api/v1/clients", json=body, headers=api.admin())) == "name_taken"
    listed = json_of(api.client.get("/api/v1/clients", headers=api.admin()))["clients"]
    assert [(one["name"], one["keys"], one["enabled"]) for one in listed] == [("Registry", ["ES384"], True)]


PRIVATE = {"keys": [{**public("ES384", KEYS["ES384"], "k"), "d": "AA"}]}
UNFIT: dict[str, dict[str, Any]] = {
    "no keys": {},
    "both": {"jwks": key_set(), "jwks_url": "https://client.example/jwks"},
    "empty": {"jwks": {"keys": []}},
    "private": {"jwks": PRIVATE},
    "weak": {"jwks": {"keys": [public("RS384", WEAK, "weak")]}},
    "encryption": {"jwks": {"keys": [{**public("ES384", KEYS["ES384"], "k"), "use": "enc"}]}},
    "http": {"jwks_url": "http://client.example/jwks"},
    "login": {"jwks_url": "https://user:password@client.example/jwks"},
    "file": {"jwks_url": "file:///etc/passwd"},
    "user scope": {"jwks": key_set(), "scopes": "user/*.read"},
    "no scope": {"jwks": key_set(), "scopes": " "},
}


@pytest.mark.parametrize("given", UNFIT.values(), ids=UNFIT.keys())
def test_an_unfit_client_is_not_registered(api: Api, given: dict[str, Any]) -> None:
    body = {"name": "Registry", "scopes": "system/*.read", **given}
    answer = api.client.post("/api/v1/clients", json=body, headers=api.admin())
    assert (answer.status_code, code_of(answer)) == (422, "invalid_input")
    with pytest.raises(Odd):
        registered(api, **{"scopes": "system/*.read", "jwks": None, **given})
