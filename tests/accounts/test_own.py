"""One-time passwords and one's own password."""

from __future__ import annotations

import pyotp
import pytest

from cdss_api.accounts.one_time import step_of
from neuronova.contract.roles import Role
from tests.accounts.api import PASSWORD, Api, code_of, json_of

NEW = "another horse battery"


@pytest.mark.parametrize(("drift", "step"), [(0, 0), (-30, -1), (30, 1), (-60, None), (60, None)])
def test_a_code_counts_for_a_while(drift: int, step: int | None) -> None:
    secret, now = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", 1_800_000_000.0
    code = pyotp.TOTP(secret).at(int(now + drift))
    assert step_of(secret, code, now) == (None if step is None else int(now // 30) + step)


def enrolled(api: Api) -> tuple[dict[str, str], pyotp.TOTP]:
    """Log a doctor in and have one-time passwords asked for."""
    api.person(Role.DOCTOR)
    bearer = api.bearer("doctor")
    begun = json_of(api.client.post("/api/v1/auth/totp", headers=bearer))
    assert begun["uri"].startswith("otpauth://totp/NeuroNova:doctor?")
    totp = pyotp.TOTP(begun["secret"])
    assert api.log_in("doctor").status_code == 200  # not before it is confirmed
    wrong = {"otp": f"{(int(totp.at(int(api.clock()))) + 1) % 10**6:06}"}
    assert code_of(api.client.post("/api/v1/auth/totp/confirm", json=wrong, headers=bearer)) == "invalid_code"
    body = {"otp": totp.at(int(api.clock()))}
    assert api.client.post("/api/v1/auth/totp/confirm", json=body, headers=bearer).status_code == 204
    return bearer, totp


def test_a_code_is_asked_for_and_used_once(api: Api) -> None:
    _, totp = enrolled(api)
    assert code_of(api.log_in("doctor")) == "otp_required"
    assert code_of(api.log_in("doctor", "wrong")) == "invalid_credentials"
    assert code_of(api.log_in("doctor", otp=totp.at(int(api.clock())))) == "invalid_credentials"  # it confirmed
    api.clock.time += 30
    code = totp.at(int(api.clock()))
    assert api.log_in("doctor", otp=code).status_code == 200
    assert code_of(api.log_in("doctor", otp=code)) == "invalid_credentials"
    assert code_of(api.log_in("doctor", otp=totp.at(int(api.clock()) - 30))) == "invalid_credentials"
    assert totp.secret not in str(api.journal.events)


def test_it_ends_by_a_code(api: Api) -> None:
    bearer, totp = enrolled(api)
    assert code_of(api.client.post("/api/v1/auth/totp", headers=bearer)) == "totp_enabled"
    api.clock.time += 30
    body = {"otp": totp.at(int(api.clock()))}
    assert api.client.post("/api/v1/auth/totp/disable", json=body, headers=bearer).status_code == 204
    assert api.log_in("doctor").status_code == 200
    assert code_of(api.client.post("/api/v1/auth/totp/disable", json=body, headers=bearer)) == "totp_not_enabled"


def test_it_ends_by_an_administrator(api: Api) -> None:
    enrolled(api)
    doctor = json_of(api.me(api.tokens("admin", "the first of passwords")["access_token"]))
    users = json_of(api.client.get("/api/v1/users", headers=api.admin()))["users"]
    doctor = next(user for user in users if user["username"] == "doctor")
    assert doctor["one_time_password"] is True
    assert api.client.delete(f"/api/v1/users/{doctor['id']}/totp", headers=api.admin()).status_code == 204
    assert api.log_in("doctor").status_code == 200


def test_guessing_codes_is_limited(api: Api) -> None:
    bearer, _ = enrolled(api)
    found = [
        api.client.post("/api/v1/auth/totp/disable", json={"otp": "000000"}, headers=bearer).status_code
        for _ in range(12)
    ]
    assert found == [403] * 9 + [429] * 3  # one was wrong before


def test_a_password_is_changed_by_who_knows_it(api: Api) -> None:
    api.person(Role.DOCTOR)
    here, elsewhere = api.tokens("doctor"), api.tokens("doctor")
    bearer = {"Authorization": f"Bearer {here['access_token']}"}

    def change(old: str, new: str) -> int:
        body = {"old": old, "new": new}
        return api.client.post("/api/v1/auth/password", json=body, headers=bearer).status_code

    assert change("wrong", NEW) == 403
    assert change(PASSWORD, "short") == 422
    assert change(PASSWORD, NEW) == 204
    assert api.me(here["access_token"]).status_code == 200
    assert api.me(elsewhere["access_token"]).status_code == 401
    assert api.log_in("doctor").status_code == 401
    assert api.log_in("doctor", NEW).status_code == 200
