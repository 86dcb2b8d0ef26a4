"""Accounts as an administrator manages them."""

from __future__ import annotations

from typing import Any

import pytest

from neuronova.contract.grants import AccountChange, GrantChange, Ground
from neuronova.contract.roles import Role
from tests.accounts.api import PASSWORD, Api, code_of, json_of
from tests.running import ADMIN_PASSWORD

KIM = {"patient_id": "KIM-1", "issuer": "HOSPITAL"}


def add(api: Api, admin: dict[str, str], **changes: Any) -> Any:
    body = {"username": "lee", "password": PASSWORD, "role": "doctor"} | changes
    return api.client.post("/api/v1/users", json=body, headers=admin)


def test_an_account_is_added_listed_and_logs_in(api: Api) -> None:
    admin, before = api.admin(), api.update().version
    added = add(api, admin, username="Lee.J", display_name="Dr Lee 이")
    assert added.status_code == 201
    assert api.update(before).changes == (AccountChange(account=json_of(added)["id"], role=Role.DOCTOR, enabled=True),)
    users = json_of(api.client.get("/api/v1/users", headers=admin))["users"]
    assert [user["username"] for user in users] == ["admin", "lee.j"]
    page = json_of(api.client.get("/api/v1/users?after=admin&limit=1", headers=admin))["users"]
    assert page == [json_of(added)] == [json_of(api.client.get(f"/api/v1/users/{page[0]['id']}", headers=admin))]
    assert "password" not in str(page).replace("one_time_password", "")
    assert api.log_in("lee.j").status_code == 200
    assert "account-add done" in api.journal.actions()


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"username": "ADMIN"}, 409, "username_taken"),
        ({"role": "service"}, 409, "impossible_account"),
        ({"role": "patient"}, 409, "impossible_account"),
        ({"patient": KIM}, 409, "impossible_account"),
        ({"role": "king"}, 422, "invalid_input"),
        ({"username": "a b"}, 422, "invalid_input"),
        ({"username": "oidc:x"}, 422, "invalid_input"),
        ({"password": "short"}, 422, "invalid_input"),
        ({"role": "patient", "patient": {"patient_id": "A\\B"}}, 422, "invalid_input"),
        ({"role": "patient", "patient": {"patient_id": " A"}}, 422, "invalid_input"),
        ({"role": "patient", "patient": {"patient_id": "A" * 65}}, 422, "invalid_input"),
    ],
)
def test_what_no_account_can_be(api: Api, changes: dict[str, Any], status: int, code: str) -> None:
    before = api.update().version
    answer = add(api, api.admin(), **changes)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert api.update().version == before


def test_a_patient_sees_their_own(api: Api) -> None:
    before = api.update().version
    added = json_of(add(api, api.admin(), role="patient", patient=KIM))
    own = GrantChange(account=added["id"], patient_id="KIM-1", issuer="HOSPITAL", ground=Ground.OWN, granted=True)
    assert own in api.update(before).changes
    assert own in api.update().changes
    admin, path = api.admin(), f"/api/v1/users/{added['id']}"
    api.client.patch(path, json={"patient": KIM | {"patient_id": "KIM-2"}}, headers=admin)
    told = [change for change in api.update(before).changes if isinstance(change, GrantChange)]
    assert [(change.patient_id, change.granted) for change in told] == [
        ("KIM-1", True),
        ("KIM-1", False),
        ("KIM-2", True),
    ]
    api.client.patch(path, json={"role": "nurse"}, headers=admin)
    assert not any(isinstance(change, GrantChange) for change in api.update().changes)


@pytest.mark.parametrize("change", [{"enabled": False}, {"role": "nurse"}])
def test_another_role_or_none_ends_logins_and_links_at_once(api: Api, change: dict[str, Any]) -> None:
    doctor = api.person(Role.DOCTOR)
    tokens = api.tokens("doctor")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    link = json_of(api.client.post("/api/v1/links", json={"studies": ["1.2"]}, headers=bearer))
    before = api.update().version
    answer = api.client.patch(f"/api/v1/users/{doctor}", json=change, headers=api.admin())
    assert answer.status_code == 200
    assert [type(change).__name__ for change in api.update(before).changes] == [
        "AccountChange",
        "Revocation",
        "Revocation",
    ]
    assert api.me(tokens["access_token"]).status_code == api.me(link["token"]).status_code == 401
    assert api.refresh(tokens["refresh_token"]).status_code == 401
    assert api.log_in("doctor").status_code == (401 if "enabled" in change else 200)


def test_enabled_again_old_tokens_stay_ended(api: Api) -> None:
    doctor, admin = api.person(Role.DOCTOR), api.admin()
    token = api.tokens("doctor")["access_token"]
    for enabled in (False, True):
        api.client.patch(f"/api/v1/users/{doctor}", json={"enabled": enabled}, headers=admin)
    assert api.me(token).status_code == 401
    assert api.log_in("doctor").status_code == 200


@pytest.mark.parametrize("change", [{"enabled": False}, {"role": "doctor"}])
def test_somebody_stays_to_manage_accounts(api: Api, change: dict[str, Any]) -> None:
    tokens = api.tokens("admin", ADMIN_PASSWORD)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    own = json_of(api.me(tokens["access_token"]))["account"]
    assert code_of(api.client.patch(f"/api/v1/users/{own}", json=change, headers=bearer)) == "impossible_account"
    assert api.me(tokens["access_token"]).status_code == 200


def test_a_forgotten_password_is_replaced(api: Api) -> None:
    doctor = api.person(Role.DOCTOR)
    token = api.tokens("doctor")["access_token"]
    body = {"password": "a password for now"}
    assert api.client.post(f"/api/v1/users/{doctor}/password", json=body, headers=api.admin()).status_code == 204
    assert api.me(token).status_code == 401
    assert api.log_in("doctor").status_code == 401
    assert api.log_in("doctor", body["password"]).status_code == 200


@pytest.mark.parametrize("path", ["", "/grants"])
def test_no_such_user(api: Api, path: str) -> None:
    assert code_of(api.client.get(f"/api/v1/users/{'0' * 32}{path}", headers=api.admin())) == "no_such_user"


def test_accounts_are_searched_by_name_role_and_state(api: Api) -> None:
    admin = api.admin()
    lee = json_of(add(api, admin, username="lee", display_name="이영희"))["id"]
    add(api, admin, username="park_1", display_name="Park", role="nurse")
    api.client.patch(f"/api/v1/users/{lee}", json={"enabled": False}, headers=admin)

    def found(**query: str) -> list[str]:
        answer = api.client.get("/api/v1/users", query_string=query, headers=admin)
        return [user["username"] for user in json_of(answer)["users"]]

    assert found(text="영희") == found(role="doctor") == found(enabled="false") == ["lee"]
    assert found(text="PARK") == found(text="_") == ["park_1"]
    assert found(text="%") == []
    assert found(role="nurse", enabled="false") == []


def test_an_account_tells_its_last_login_and_its_grants(api: Api) -> None:
    admin = api.admin()
    lee = json_of(add(api, admin))["id"]

    def told() -> Any:
        return json_of(api.client.get(f"/api/v1/users/{lee}", headers=admin))

    assert (told()["last_login"], told()["grants"]) == (None, {"care_team": 0, "break_glass": 0})
    api.client.post(f"/api/v1/users/{lee}/grants", json=KIM, headers=admin)
    other = {"patient_id": "OTHER", "reason": "unconscious in the emergency room"}
    api.client.post("/api/v1/access/break-glass", json=other, headers=api.bearer("lee"))
    assert told()["last_login"].startswith("2027-01-15T08:00:00")
    assert told()["grants"] == {"care_team": 1, "break_glass": 1}
    api.clock.time += 61 * 60  # the glass is whole again
    admin = api.admin()
    assert told()["grants"] == {"care_team": 1, "break_glass": 0}
