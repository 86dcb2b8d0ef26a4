"""Grants, break-glass and links."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from neuronova.contract.grants import GrantChange, Ground, Revocation
from neuronova.contract.roles import Permission, Role
from neuronova.contract.token import Claims, verify
from tests.accounts.api import Api, code_of, json_of

KIM = {"patient_id": "KIM-1", "issuer": "HOSPITAL"}
EMERGENCY = KIM | {"reason": "unconscious in the emergency room"}
GLASS = "/api/v1/access/break-glass"


def told(api: Api, since: int) -> list[tuple[str, bool]]:
    """Return the grounds that were told, and whether they hold."""
    changes = api.update(since).changes
    return [(change.ground.value, change.granted) for change in changes if isinstance(change, GrantChange)]


def test_a_patient_is_granted_and_taken(api: Api) -> None:
    doctor, admin = api.person(Role.DOCTOR), api.admin()
    path, before = f"/api/v1/users/{doctor}/grants", api.update().version
    given = api.client.post(path, json=KIM, headers=admin)
    assert given.status_code == 201
    assert json_of(api.client.get(path, headers=admin))["grants"] == [json_of(given)]
    assert told(api, before) == [("care-team", True)]
    assert api.client.post(path, json=KIM, headers=admin).status_code == 201  # once more is once
    assert len(json_of(api.client.get(path, headers=admin))["grants"]) == 1
    assert api.client.delete(path, query_string=KIM, headers=admin).status_code == 204
    assert told(api, before)[-1] == ("care-team", False)
    assert code_of(api.client.delete(path, query_string=KIM, headers=admin)) == "no_such_grant"
    assert json_of(api.client.get(path, headers=admin))["grants"] == []
    assert [event["patient"] for event in api.journal.events if event["action"] in ("grant", "revoke")] == [
        ("KIM-1", "HOSPITAL")
    ] * 3


def test_the_issuer_tells_patients_apart(api: Api) -> None:
    path, admin = f"/api/v1/users/{api.person(Role.DOCTOR)}/grants", api.admin()
    for body in (KIM, {"patient_id": "KIM-1"}, {"patient_id": "kim-1"}):
        assert api.client.post(path, json=body, headers=admin).status_code == 201
    assert len(json_of(api.client.get(path, headers=admin))["grants"]) == 3
    assert len(json_of(api.client.get(f"{path}?offset=1&limit=1", headers=admin))["grants"]) == 1


def test_breaking_the_glass(api: Api) -> None:
    doctor, before = api.person(Role.DOCTOR), api.update().version
    broken = json_of(api.client.post(GLASS, json=EMERGENCY, headers=api.bearer("doctor")))
    assert (broken["account"], broken["reason"]) == (doctor, EMERGENCY["reason"])
    until = api.clock() + 3600
    grant = GrantChange(account=doctor, **KIM, ground=Ground.BREAK_GLASS, granted=True, until=until)
    assert grant in api.update(before).changes
    event = next(event for event in api.journal.events if event["action"] == "break-glass")
    assert (event["subject"], event["reason"], event["patient"]) == (doctor, EMERGENCY["reason"], tuple(KIM.values()))
    assert json_of(api.client.get(GLASS, headers=api.admin()))["grants"] == [broken]
    api.clock.time = until
    assert json_of(api.client.get(GLASS, headers=api.admin()))["grants"] == []


def test_an_administrator_ends_it(api: Api) -> None:
    doctor, before = api.person(Role.DOCTOR), api.update().version
    api.client.post(GLASS, json=EMERGENCY, headers=api.bearer("doctor"))
    path = f"/api/v1/users/{doctor}/grants"
    assert api.client.delete(path, query_string=KIM, headers=api.admin()).status_code == 204
    assert told(api, before) == [("break-glass", True), ("break-glass", False)]


@pytest.mark.parametrize("reason", [None, "", "short", " " * 20, "x" * 501, "ten letters\0 and more"])
def test_breaking_the_glass_needs_a_reason(api: Api, reason: str | None) -> None:
    api.person(Role.DOCTOR)
    body = {name: value for name, value in (EMERGENCY | {"reason": reason}).items() if value is not None}
    assert code_of(api.client.post(GLASS, json=body, headers=api.bearer("doctor"))) == "invalid_input"


def read(api: Api, token: str) -> Claims:
    with api.service.database.reading() as session:
        return verify(token, api.service.keyring.public_keys(session, api.clock()), api.clock())


def make(api: Api, bearer: dict[str, str], **changes: Any) -> Any:
    body = {"studies": ["1.2.3", "1.2.4"], "store": False, "expires_in": 3600} | changes
    return api.client.post("/api/v1/links", json=body, headers=bearer)


@pytest.mark.parametrize("store", [False, True])
def test_a_link_is_a_narrow_token(api: Api, store: bool) -> None:
    doctor = api.person(Role.DOCTOR)
    link = json_of(make(api, api.bearer("doctor"), store=store))
    claims = read(api, link["token"])
    assert (claims.subject, claims.role, claims.session) == (doctor, Role.DOCTOR, link["id"])
    assert (claims.studies, claims.may_store) == (frozenset({"1.2.3", "1.2.4"}), store)
    assert (Permission.IMAGES_STORE in claims.permissions) is store
    assert claims.expires_at == api.clock() + 3600
    address = urlsplit(link["url"])
    assert address.path == "/viewer"
    assert parse_qs(address.query) == {"StudyInstanceUIDs": ["1.2.3,1.2.4"], "token": [link["token"]]}


def test_the_largest_link_fits_an_address_line(api: Api) -> None:
    studies = [f"1.2.{number}.{'9' * 57}" for number in range(10, 30)]
    link = json_of(make(api, api.admin(), studies=studies))
    assert len(link["url"]) < 7000
    assert read(api, link["token"]).studies == frozenset(studies)


def test_a_link_does_nothing_but_show(api: Api) -> None:
    link = {"Authorization": f"Bearer {json_of(make(api, api.admin(), store=True))['token']}"}
    assert json_of(api.client.get("/api/v1/auth/me", headers=link))["studies"] == ["1.2.3", "1.2.4"]
    for method, path in (("GET", "/users"), ("POST", "/links"), ("GET", "/links"), ("POST", "/auth/totp")):
        assert code_of(api.client.open(f"/api/v1{path}", method=method, headers=link)) == "narrow_token"
    assert api.client.post("/api/v1/auth/logout", headers=link).status_code == 204
    assert api.client.get("/api/v1/auth/me", headers=link).status_code == 200  # a link is revoked, not logged out


def test_a_link_is_taken_back(api: Api) -> None:
    link, before = json_of(make(api, api.admin())), api.update().version
    listed = json_of(api.client.get("/api/v1/links", headers=api.admin()))["links"]
    assert [one["id"] for one in listed] == [link["id"]]
    assert link["token"] not in str(listed)
    path = f"/api/v1/links/{link['id']}"
    assert api.client.delete(path, headers=api.admin()).status_code == 204
    assert [change.ended for change in api.update(before).changes if isinstance(change, Revocation)] == [link["id"]]
    assert code_of(api.me(link["token"])) == "token_revoked"
    assert json_of(api.client.get("/api/v1/links", headers=api.admin()))["links"] == []
    assert code_of(api.client.delete(f"/api/v1/links/{'0' * 32}", headers=api.admin())) == "no_such_link"


def test_links_are_their_makers_and_the_administrators(api: Api) -> None:
    api.person(Role.DOCTOR)
    api.person(Role.RADIOLOGIST)
    one, other = api.bearer("doctor"), api.bearer("radiologist")
    path = f"/api/v1/links/{json_of(make(api, one))['id']}"
    assert json_of(api.client.get("/api/v1/links", headers=other))["links"] == []
    assert code_of(api.client.delete(path, headers=other)) == "no_such_link"
    assert len(json_of(api.client.get("/api/v1/links", headers=api.admin()))["links"]) == 1
    assert api.client.delete(path, headers=one).status_code == 204


def test_a_link_expires(api: Api) -> None:
    link = json_of(make(api, api.admin(), expires_in=60))
    api.clock.time += 66
    assert code_of(api.me(link["token"])) == "token_expired"
    assert json_of(api.client.get("/api/v1/links", headers=api.admin()))["links"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"studies": []},
        {"studies": ["1.2"] * 21},
        {"studies": ["1.02"]},
        {"studies": ["1." + "2" * 64]},
        {"studies": "1.2"},
        {"expires_in": 59},
        {"expires_in": 30 * 24 * 3600 + 1},
    ],
)
def test_what_no_link_can_be(api: Api, changes: dict[str, Any]) -> None:
    assert code_of(make(api, api.admin(), **changes)) == "invalid_input"
