"""The stream: what comes through it, who gets it, and when it ends."""

from __future__ import annotations

import time

import pytest
import requests

from cdss_api.accounts.bearer import SESSION_COOKIE
from neuronova.contract.roles import Role
from tests.accounts.api import KIM, Api
from tests.notifications.people import doctor, grant, news, tell
from tests.notifications.streams import PATH, Process
from tests.patience import PATIENCE
from tests.server import until

BREAK = "/api/v1/access/break-glass"


def test_breaking_the_glass_comes_at_once(live: Api, process: Process) -> None:
    bearer = doctor(live)[1]
    with process.reading(live.admin()) as stream:
        body = {"patient_id": KIM.patient_id, "issuer": KIM.issuer, "reason": "found unconscious"}
        began = time.monotonic()
        for number in range(1, 7):
            assert live.client.post(BREAK, json=body, headers=bearer).status_code == 201
            event = stream.event()
            told = (event.name, event.id, event.data["kind"], event.data["unread"])
            assert told == ("notification", number, "break-glass", number)
        assert time.monotonic() - began < 20  # a lost wake-up costs five seconds, each time


def test_a_cookie_opens_it_as_a_header_does(live: Api, process: Process) -> None:
    token = live.admin()["Authorization"].removeprefix("Bearer ")
    with process.reading({"Cookie": f"{SESSION_COOKIE}={token}"}):
        pass


def test_who_comes_back_gets_what_they_missed_and_nothing_twice(live: Api, process: Process) -> None:
    live.person(Role.RADIOLOGIST)
    bearer = live.bearer("radiologist")
    for number in range(3):
        tell(live, news(f"finding-{number}"))
    with process.reading(bearer, last=1) as stream:
        assert [stream.event().id for _ in range(2)] == [2, 3]
    with process.reading(bearer) as stream:
        tell(live, news("finding-3"))
        assert stream.event().id == 4


def test_more_than_a_page_was_missed(live: Api, process: Process) -> None:
    live.person(Role.RADIOLOGIST)
    for number in range(205):
        tell(live, news(f"finding-{number}"))
    with process.reading(live.bearer("radiologist"), last=0) as stream:
        assert [stream.event().id for _ in range(205)] == list(range(1, 206))


def test_what_is_another_accounts_does_not_come(live: Api, process: Process) -> None:
    live.person(Role.RADIOLOGIST)
    account, bearer = doctor(live)
    with process.reading(bearer) as of_doctor, process.reading(live.bearer("radiologist")) as of_radiologist:
        tell(live, news("finding-0"))
        assert of_radiologist.event().data["subject"] == "finding-0 of Kim"
        grant(live, account)
        tell(live, news("finding-1"))
        assert of_doctor.event().data["subject"] == "finding-1 of Kim"


@pytest.mark.parametrize("how", ["logout", "disabled", "role"])
def test_it_ends_when_its_token_does(live: Api, process: Process, how: str) -> None:
    account = live.person(Role.RADIOLOGIST)
    tokens = live.tokens("radiologist")
    with process.reading({"Authorization": f"Bearer {tokens['access_token']}"}) as stream:
        if how == "logout":
            live.client.post("/api/v1/auth/logout", json={"refresh_token": tokens["refresh_token"]})
        else:
            change = {"enabled": False} if how == "disabled" else {"role": "nurse"}
            answer = live.client.patch(f"/api/v1/users/{account}", json=change, headers=live.admin())
            assert answer.status_code == 200, answer.text
        assert stream.ends()


# After fifteen seconds in which the database is not asked: on one of them.
@pytest.mark.parametrize("variables", ["sqlite"], indirect=True)
def test_it_says_that_it_lives(live: Api, process: Process) -> None:
    with process.reading(live.admin()) as stream:
        assert stream.comment() == ":"


def test_nobody_opens_it_without_a_token(live: Api, process: Process) -> None:
    assert live.service
    for headers, code in (({}, "token_missing"), ({"Authorization": "Bearer x.y.z"}, "token_invalid")):
        answer = requests.get(process.url + PATH, headers=headers, timeout=PATIENCE)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="neuronova"')
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_odd_last_event_is_refused(live: Api, process: Process) -> None:
    answer = requests.get(process.url + PATH, headers={**live.admin(), "Last-Event-ID": "x"}, timeout=PATIENCE)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


def test_an_account_has_so_many_and_no_more(live: Api, process: Process) -> None:
    bearer = live.admin()
    opened = [requests.get(process.url + PATH, headers=bearer, stream=True, timeout=PATIENCE) for _ in range(20)]
    try:
        assert {one.status_code for one in opened} == {200}
        answer = requests.get(process.url + PATH, headers=bearer, timeout=PATIENCE)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_streams")
    finally:
        for one in opened:
            one.close()
    # Those who left make room.
    until(lambda: _opens(process, bearer), "room for another one")


def _opens(process: Process, bearer: dict[str, str]) -> bool:
    with requests.get(process.url + PATH, headers=bearer, stream=True, timeout=PATIENCE) as answer:
        return answer.status_code == 200


def test_it_ends_with_its_process(live: Api, process: Process) -> None:
    with process.reading(live.admin()) as stream:
        began = time.monotonic()
        process.popen.terminate()
        assert stream.ends()
        assert process.popen.wait(PATIENCE) == 0
        assert time.monotonic() - began < 20
