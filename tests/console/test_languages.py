"""In which language a page comes: what was chosen, which a login brings along, else what the browser asks for."""

from __future__ import annotations

import pytest

from neuronova.contract.roles import Role
from tests.accounts.api import Api, code_of, json_of
from tests.databases import api

__all__ = ["api"]


def language_of(api: Api, **headers: str) -> str:
    page = api.client.get("/login", headers=headers)
    assert page.status_code == 200
    return page.text.partition('<html lang="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("ko-KR,ko;q=0.9,en-US;q=0.8", "ko"), ("en-GB,ko;q=0.5", "en"), ("de", "en"), ("", "en"), ("fr,ko;q=0.3", "ko")],
)
def test_a_browser_asks_for_its_language(api: Api, accepted: str, language: str) -> None:
    assert language_of(api, **{"Accept-Language": accepted}) == language


def test_a_choice_counts_before_what_the_browser_asks_for(api: Api) -> None:
    asked = {"Accept-Language": "ko"}
    assert language_of(api, Cookie="neuronova_language=en", **asked) == "en"
    assert language_of(api, Cookie="neuronova_language=xx", **asked) == "ko"


def test_a_page_is_in_one_language(api: Api) -> None:
    korean = api.client.get("/login", headers={"Accept-Language": "ko"}).text
    assert "<h1>로그인</h1>" in korean
    assert "Log in" not in korean
    assert "<h1>Log in</h1>" in api.client.get("/login").text


def test_the_choice_goes_with_the_account(api: Api) -> None:
    api.person(Role.DOCTOR)
    bearer = api.bearer("doctor")
    assert api.me(bearer["Authorization"].split()[1]).json["language"] is None  # type: ignore[index]
    chosen = api.client.put("/api/v1/auth/language", headers=bearer, json={"language": "ko"})
    assert chosen.status_code == 204
    assert "neuronova_language=ko" in chosen.headers["Set-Cookie"]
    entered = api.log_in("doctor")
    assert any(one.startswith("neuronova_language=ko;") for one in entered.headers.getlist("Set-Cookie"))
    assert api.me(json_of(entered)["access_token"]).json["language"] == "ko"  # type: ignore[index]
    api.client.put("/api/v1/auth/language", headers=bearer, json={"language": None})
    assert not any("language" in one for one in api.log_in("doctor").headers.getlist("Set-Cookie"))


def test_a_language_that_there_is_not_is_refused(api: Api) -> None:
    refused = api.client.put("/api/v1/auth/language", headers=api.admin(), json={"language": "xx"})
    assert (refused.status_code, code_of(refused)) == (422, "invalid_input")
    assert api.client.put("/api/v1/auth/language", json={"language": "ko"}).status_code == 401


def test_scripts_get_their_texts_and_keep_them(api: Api) -> None:
    answer = api.client.get("/console/messages/ko.json")
    assert json_of(answer)["Log out"] == "로그아웃"
    assert "Skip to the content" not in json_of(answer)  # a template's
    again = api.client.get("/console/messages/ko.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert json_of(api.client.get("/console/messages/en.json")) == {}
    assert api.client.get("/console/messages/xx.json").status_code == 404
