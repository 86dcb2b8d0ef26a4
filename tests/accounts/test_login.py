"""Login, refresh, logout: what holds, and for how long."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from sqlalchemy import func, select

from cdss_api.accounts import people
from cdss_api.accounts.limits import of_address, of_username
from cdss_api.accounts.models import Account, Guess
from neuronova.contract.grants import Revocation
from neuronova.contract.roles import Role
from neuronova.contract.settings import Settings
from neuronova.contract.token import verify
from tests.accounts.api import PASSWORD, TESTER, Api, code_of, json_of
from tests.running import ADMIN_PASSWORD


def test_a_login_gives_tokens_that_our_keys_verify(api: Api) -> None:
    tokens = api.tokens("Admin ", ADMIN_PASSWORD)
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    with api.service.database.reading() as session:
        keys = api.service.keyring.public_keys(session, api.clock())
    claims = verify(tokens["access_token"], keys, api.clock())
    assert (claims.role, claims.expires_at - claims.issued_at) == (Role.ADMIN, 600)
    me = api.me(tokens["access_token"])
    assert (json_of(me)["username"], json_of(me)["account"]) == ("admin", claims.subject)


def test_anybody_can_verify_by_the_published_keys(api: Api) -> None:
    token = api.tokens("admin", ADMIN_PASSWORD)["access_token"]
    published = jwt.PyJWKSet.from_dict(json_of(api.client.get("/api/v1/.well-known/jwks.json")))
    key = published[jwt.get_unverified_header(token)["kid"]]
    payload = jwt.decode(
        token, key, algorithms=["EdDSA"], audience="neuronova", options={"verify_exp": False, "verify_iat": False}
    )
    assert payload["role"] == "admin"


@pytest.mark.parametrize(
    ("username", "password"),
    [("nobody", PASSWORD), ("doctor", "wrong"), ("doctor", ADMIN_PASSWORD), ("disabled", PASSWORD), ("outside", "x")],
)
def test_who_cannot_come_in_learns_nothing(api: Api, username: str, password: str) -> None:
    api.person(Role.DOCTOR)
    disabled = api.person(Role.NURSE, "disabled")
    with api.service.work(TESTER) as work:
        people.change(work, work.session.get_one(Account, disabled), enabled=False)
        people.add(work, username="outside", role=Role.DOCTOR, password_hash=None)
    api.journal.events.clear()
    before = api.hasher.compared
    answer = api.log_in(username, password)
    assert api.hasher.compared == before + 1  # as much work as for a right one
    assert api.journal.actions() == ["login denied"]
    assert PASSWORD not in str(api.journal.events)
    reference = api.log_in("doctor", "another wrong one")
    assert (answer.status_code, answer.data, code_of(answer)) == (401, reference.data, "invalid_credentials")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert dict(answer.headers) == dict(reference.headers)


def test_a_refresh_token_is_used_once_and_then_ends_its_login(api: Api) -> None:
    first = api.tokens("admin", ADMIN_PASSWORD)
    second = json_of(api.refresh(first["refresh_token"]))
    third = json_of(api.refresh(second["refresh_token"]))
    assert api.me(first["access_token"]).status_code == api.me(third["access_token"]).status_code == 200
    assert code_of(api.refresh(first["refresh_token"])) == "refresh_invalid"
    assert "refresh denied" in api.journal.actions()
    assert code_of(api.me(third["access_token"])) == "token_revoked"
    assert code_of(api.refresh(third["refresh_token"])) == "refresh_invalid"
    assert any(isinstance(change, Revocation) for change in api.update().changes)


def test_another_login_is_another_family(api: Api) -> None:
    one, other = api.tokens("admin", ADMIN_PASSWORD), api.tokens("admin", ADMIN_PASSWORD)
    api.refresh(one["refresh_token"])
    assert api.refresh(one["refresh_token"]).status_code == 401
    assert api.refresh(other["refresh_token"]).status_code == 200


def test_of_two_at_once_one_refreshes(api: Api) -> None:
    token = api.tokens("admin", ADMIN_PASSWORD)["refresh_token"]
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(api.refresh(token).status_code)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 401, 401, 401]


@pytest.mark.parametrize(
    ("seconds", "access", "refresh"),
    [(600, 200, 200), (606, 401, 200), (12 * 3600, 401, 200), (12 * 3600 + 1, 401, 401)],
)
def test_tokens_have_their_time(api: Api, seconds: int, access: int, refresh: int) -> None:
    tokens = api.tokens("admin", ADMIN_PASSWORD)
    api.clock.time += seconds
    assert api.me(tokens["access_token"]).status_code == access
    assert api.refresh(tokens["refresh_token"]).status_code == refresh


def test_a_login_ends_after_a_week(api: Api) -> None:
    tokens = api.tokens("admin", ADMIN_PASSWORD)
    for _ in range(7 * 4):
        api.clock.time += 6 * 3600
        answer = api.refresh(tokens["refresh_token"])
        assert answer.status_code == 200
        tokens = json_of(answer)
    api.clock.time += 1
    assert api.refresh(tokens["refresh_token"]).status_code == 401


def test_logout_ends_one_login(api: Api) -> None:
    one, other = api.tokens("admin", ADMIN_PASSWORD), api.tokens("admin", ADMIN_PASSWORD)
    answer = api.client.post("/api/v1/auth/logout", headers={"Authorization": f"Bearer {one['access_token']}"})
    assert answer.status_code == 204
    assert api.me(one["access_token"]).status_code == 401
    assert api.refresh(one["refresh_token"]).status_code == 401
    assert api.me(other["access_token"]).status_code == 200
    assert "logout done" in api.journal.actions()


def test_logout_by_the_refresh_token_after_the_access_token_expired(api: Api) -> None:
    tokens = api.tokens("admin", ADMIN_PASSWORD)
    api.clock.time += 3600
    body = {"refresh_token": tokens["refresh_token"]}
    assert api.client.post("/api/v1/auth/logout", json=body).status_code == 204
    assert api.refresh(tokens["refresh_token"]).status_code == 401
    assert api.client.post("/api/v1/auth/logout").status_code == 204  # nobody leaves


@pytest.mark.parametrize(("public_url", "secure"), [(None, False), ("https://pacs.example.org", True)])
def test_a_browser_needs_no_script_to_hold_tokens(
    variables: dict[str, str], public_url: str | None, secure: bool
) -> None:
    from neuronova.contract.settings import read_settings

    api = Api(read_settings(variables | ({"NEURONOVA_PUBLIC_URL": public_url} if public_url else {})))
    browser = api.app.test_client()
    answer = browser.post("/api/v1/auth/login", json={"username": "admin", "password": ADMIN_PASSWORD})
    session, refresh = answer.headers.getlist("Set-Cookie")
    for cookie, path in ((session, "Path=/;"), (refresh, "Path=/api/v1/auth;")):
        assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
        assert path in f"{cookie};"
        assert ("Secure" in cookie.split("; ")) is secure
    scheme = "https" if secure else "http"
    asked = {"base_url": f"{scheme}://localhost"}
    assert browser.get("/api/v1/auth/me", **asked).status_code == 200
    assert browser.post("/api/v1/auth/refresh", **asked).status_code == 200
    assert browser.post("/api/v1/auth/logout", **asked).status_code == 204
    assert (
        browser.get_cookie("neuronova_session") is browser.get_cookie("neuronova_refresh", path="/api/v1/auth") is None
    )
    assert code_of(browser.get("/api/v1/auth/me", **asked)) == "token_missing"
    api.service.database.close()


def test_failures_are_counted_by_account(api: Api) -> None:
    api.person(Role.DOCTOR)
    assert [api.log_in("doctor", "wrong").status_code for _ in range(10)] == [401] * 10
    assert [api.log_in("nobody", "wrong").status_code for _ in range(10)] == [401] * 10
    for username in ("doctor", "DOCTOR ", "nobody"):
        answer = api.log_in(username)
        assert (answer.status_code, code_of(answer), answer.headers["Retry-After"]) == (429, "too_many_failures", "300")
    assert api.log_in("admin", ADMIN_PASSWORD).status_code == 200


def test_failures_are_counted_by_address(api: Api) -> None:
    def from_address(address: str, name: str, password: str) -> int:
        body = {"username": name, "password": password}
        headers = {"X-Neuronova-Client": address}
        return api.client.post("/api/v1/auth/login", json=body, headers=headers).status_code

    assert {from_address("203.0.113.1", f"guess-{number}", "wrong") for number in range(50)} == {401}
    assert from_address("203.0.113.1", "admin", ADMIN_PASSWORD) == 429
    assert from_address("203.0.113.2", "admin", ADMIN_PASSWORD) == 200


def test_what_fails_for_a_name_is_not_what_fails_from_an_address_of_that_name() -> None:
    assert of_address("login", "203.0.113.1").key != of_username("login", "203.0.113.1").key


def test_failures_are_forgotten_after_five_minutes(api: Api) -> None:
    assert {api.log_in("admin", "wrong").status_code for _ in range(10)} == {401}
    api.clock.time += 299
    assert api.log_in("admin", ADMIN_PASSWORD).status_code == 429
    api.clock.time += 2
    assert api.log_in("admin", ADMIN_PASSWORD).status_code == 200
    with api.service.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Guess)) == 0


@pytest.fixture
def apis(settings: Settings) -> Iterator[list[Api]]:
    """Two apps as two processes have them, which share the database alone."""
    made = [Api(settings), Api(settings)]
    yield made
    for api in made:
        api.service.database.close()


def at_once(apis: list[Api], count: int, password: str) -> Counter[int]:
    """Log in so many times at the same moment; return how often each status came."""
    begin = threading.Barrier(count)

    def log_in(number: int) -> int:
        client = apis[number % 2].app.test_client()
        begin.wait()
        return client.post("/api/v1/auth/login", json={"username": "admin", "password": password}).status_code

    with ThreadPoolExecutor(count) as threads:
        return Counter(threads.map(log_in, range(count)))


def test_guesses_at_the_same_time_are_no_more(apis: list[Api]) -> None:
    found = at_once(apis, 24, "wrong")
    assert found[401] <= 10
    assert found[401] + found[429] == 24


def test_many_who_know_their_password_come_at_the_same_time(apis: list[Api], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdss_api.accounts.limits._PATIENCE", 60.0)  # of a busy machine
    assert at_once(apis, 24, ADMIN_PASSWORD) == {200: 24}


def test_who_waits_too_long_for_others_is_told(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdss_api.accounts.limits._PATIENCE", 0.0)
    key = of_username("login", "admin").key
    with api.service.database.writing() as session:
        session.add_all(Guess(key=key, at=api.clock(), wrong=False) for _ in range(10))
    answer = api.log_in("admin", ADMIN_PASSWORD)
    assert (answer.status_code, code_of(answer), answer.headers["Retry-After"]) == (429, "too_many_at_once", "1")
    api.clock.time += 61  # the process that looked at them is dead
    assert api.log_in("admin", ADMIN_PASSWORD).status_code == 200


def test_right_passwords_are_not_counted(api: Api) -> None:
    assert {api.log_in("admin", ADMIN_PASSWORD).status_code for _ in range(15)} == {200}


def test_nothing_secret_is_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = api.tokens("admin", ADMIN_PASSWORD)
    again = json_of(api.refresh(tokens["refresh_token"]))
    api.refresh(tokens["refresh_token"])
    for _ in range(11):
        api.log_in("my secret password", "wrong")
    api.journal.broken = True
    assert api.log_in("admin", ADMIN_PASSWORD).status_code == 500
    assert "no space left" in caplog.text
    secrets = (
        ADMIN_PASSWORD,
        "my secret password",
        *(tokens[n] for n in ("access_token", "refresh_token")),
        again["refresh_token"],
    )
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in repr(api.service)
        assert secret not in str(api.journal.events)


def test_what_cannot_be_recorded_does_not_happen(api: Api) -> None:
    tokens = api.tokens("admin", ADMIN_PASSWORD)
    api.journal.broken = True
    assert api.log_in("admin", ADMIN_PASSWORD).status_code == 500
    assert api.log_in("admin", "wrong").status_code == 500
    assert (
        api.client.post("/api/v1/auth/logout", json=tokens and {"refresh_token": tokens["refresh_token"]}).status_code
        == 500
    )
    api.journal.broken = False
    assert api.me(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/username"),
        ({"username": "a", "password": ""}, "/password"),
        ({"username": "a\0", "password": "b"}, "/username"),
        ({"username": "a" * 301, "password": "b"}, "/username"),
        ({"username": "a", "password": "b" * 257}, "/password"),
        ({"username": "a", "password": "b", "otp": "12345"}, "/otp"),
        ({"username": ["a"], "password": "b"}, "/username"),
    ],
)
def test_odd_input_is_named_and_not_repeated(api: Api, body: dict[str, object], pointer: str) -> None:
    answer = api.client.post("/api/v1/auth/login", json=body)
    assert code_of(answer) == "invalid_input"
    assert pointer in [error["pointer"] for error in json_of(answer)["errors"]]
    assert "aaa" not in answer.text
    assert "bbb" not in answer.text


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"[" * 100_000, 400),
        (b"{", 400),
        (b"x" * (2 << 20), 413),
        (b'"\\ud800"', 400),
        (b'"{}"', 400),
        (b"[]", 422),
        (b"null", 422),
        (b"", 422),
    ],
)
def test_odd_bodies(api: Api, data: bytes, status: int) -> None:
    answer = api.client.post("/api/v1/auth/login", data=data, content_type="application/json")
    assert (answer.status_code, bool(code_of(answer))) == (status, True)
