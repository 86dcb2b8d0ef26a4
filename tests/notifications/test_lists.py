"""The list, marking as read, and what one chooses."""

from __future__ import annotations

from typing import Any

import pytest

from neuronova.contract.roles import Role
from tests.accounts.api import Api, code_of, json_of
from tests.notifications.people import listed, news, subjects, tell

ROOT = "/api/v1/notifications"


@pytest.fixture
def reader(api: Api) -> dict[str, str]:
    api.person(Role.RADIOLOGIST)
    return api.bearer("radiologist")


def _change(api: Api, bearer: dict[str, str], **body: Any) -> Any:
    return api.client.put(f"{ROOT}/settings", json={"kinds": []} | body, headers=bearer)


def test_pages_hold_each_once_while_more_comes(api: Api, reader: dict[str, str]) -> None:
    for number in range(5):
        tell(api, news(f"finding-{number}"))
    first = listed(api, reader, "?limit=2")
    tell(api, news("finding-5"))
    second = listed(api, reader, f"?limit=2&before={first['next']}")
    third = listed(api, reader, f"?limit=2&before={second['next']}")
    found = [one["subject"] for page in (first, second, third) for one in page["notifications"]]
    assert found == [f"finding-{number} of Kim" for number in (4, 3, 2, 1, 0)]
    assert third["next"] is None
    assert (first["unread"], second["unread"]) == (5, 6)


def test_one_is_marked_as_read_and_then_all_that_were_seen(api: Api, reader: dict[str, str]) -> None:
    for number in range(3):
        tell(api, news(f"finding-{number}"))
    newest, _, oldest = listed(api, reader)["notifications"]
    assert api.client.post(f"{ROOT}/{oldest['id']}/read", headers=reader).status_code == 204
    assert listed(api, reader)["unread"] == 2
    tell(api, news("finding-3"))  # not seen when the button is pressed
    assert api.client.post(f"{ROOT}/read", json={"up_to": newest["number"]}, headers=reader).status_code == 204
    assert [one["subject"] for one in listed(api, reader, "?unread=true")["notifications"]] == ["finding-3 of Kim"]


def test_nobody_marks_what_is_somebody_elses(api: Api, reader: dict[str, str]) -> None:
    api.person(Role.RADIOLOGIST, "other")
    tell(api, news("finding"))
    (entry,) = listed(api, reader)["notifications"]
    answer = api.client.post(f"{ROOT}/{entry['id']}/read", headers=api.bearer("other"))
    assert (answer.status_code, code_of(answer)) == (404, "no_such_notification")
    assert listed(api, reader)["unread"] == 1


def test_what_is_not_chosen_for_the_pages_is_not_in_them(api: Api, reader: dict[str, str]) -> None:
    answer = _change(api, reader, kinds=[{"kind": "ai-critical-finding", "channels": []}])
    assert answer.status_code == 200
    tell(api, news("quiet"))
    assert subjects(api, reader) == []
    assert _change(api, reader).status_code == 200  # the platform's own choice again
    tell(api, news("loud"))
    assert subjects(api, reader) == ["loud of Kim"]


def test_a_new_webhooks_secret_is_shown_once(api: Api, reader: dict[str, str]) -> None:
    kinds = [{"kind": "ai-critical-finding", "channels": ["in-app", "webhook"]}]
    body = {"kinds": kinds, "webhook": "https://example.org/hook"}
    first, again = (json_of(_change(api, reader, **body)) for _ in range(2))
    assert len(first["signing_secret"]) >= 32
    assert again["signing_secret"] is None
    shown = json_of(api.client.get(f"{ROOT}/settings", headers=reader))
    assert shown["signing_secret"] is None
    assert (shown["webhook"], shown["available"]) == ("https://example.org/hook", ["in-app", "webhook"])
    assert shown["kinds"][0]["channels"] == ["in-app", "webhook"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kinds": [{"kind": "ai-job-failed", "channels": []}]}, "your role"),
        ({"kinds": [{"kind": "ai-critical-finding", "channels": ["email"]}], "email": "a@b.org"}, "no e-mail"),
        ({"kinds": [{"kind": "ai-critical-finding", "channels": ["webhook"]}]}, "needs an address"),
        ({"kinds": [{"kind": "ai-critical-finding", "channels": []}] * 2}, "twice"),
        ({"webhook": "http://example.org/hook"}, "https"),
        ({"webhook": "https://user:pw@example.org/"}, "without user"),
        ({"email": "a@b.org\r\nBcc: c@d.org"}, "email"),
    ],
    ids=["role", "no-mail-server", "no-address", "twice", "plain-http", "password", "header-injection"],
)
def test_odd_choices_are_refused(api: Api, reader: dict[str, str], body: dict[str, Any], says: str) -> None:
    answer = _change(api, reader, **body)
    assert (answer.status_code, code_of(answer)) == (422, "invalid_input"), answer.text
    assert says in answer.text
