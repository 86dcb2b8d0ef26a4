"""Who is told of what, once, and by whose permission."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from cdss_api.notifications.kinds import Kind
from cdss_api.notifications.models import Happening, Notification
from cdss_api.notifications.notifying import News, notify
from neuronova.contract.grants import Ground, Patient
from neuronova.contract.roles import Role
from tests.accounts.api import KIM, Api, code_of
from tests.notifications.people import LINK, doctor, grant, listed, news, subjects, tell

BREAK = "/api/v1/access/break-glass"
REASON = {"patient_id": KIM.patient_id, "issuer": KIM.issuer, "reason": "found unconscious"}


def test_breaking_the_glass_tells_admins_and_who_treats_the_patient(api: Api) -> None:
    account, bearer = doctor(api)
    treating, of_treating = doctor(api, "treating")
    grant(api, treating)
    _, of_stranger = doctor(api, "stranger")
    api.person(Role.RADIOLOGIST)
    answer = api.client.post(BREAK, json=REASON, headers=bearer)
    assert answer.status_code == 201
    (told,) = subjects(api, api.admin())
    assert told == "Emergency access: doctor (doctor) opened patient KIM-1. Reason: found unconscious"
    assert subjects(api, of_treating) == [told]
    assert subjects(api, of_stranger) == subjects(api, bearer) == subjects(api, api.bearer("radiologist")) == []
    assert account not in told


def test_who_broke_the_glass_before_is_not_told_as_if_they_treated_the_patient(api: Api) -> None:
    first, of_first = doctor(api, "first")
    _, of_second = doctor(api, "second")
    for bearer in (of_first, of_second):
        assert api.client.post(BREAK, json=REASON, headers=bearer).status_code == 201
    assert subjects(api, of_first) == []
    assert len(subjects(api, api.admin())) == 2
    assert first


def test_what_is_not_committed_tells_nobody(api: Api) -> None:
    bearer = doctor(api)[1]
    api.journal.broken = True
    assert api.client.post(BREAK, json=REASON, headers=bearer).status_code == 500
    api.journal.broken = False
    assert subjects(api, api.admin()) == []


def test_the_same_happening_tells_nobody_twice(api: Api) -> None:
    api.person(Role.RADIOLOGIST)
    assert tell(api, news("finding-1")) == 1
    assert tell(api, news("finding-1")) == 0
    assert tell(api, news("finding-2")) == 1
    assert subjects(api, api.bearer("radiologist")) == ["finding-2 of Kim", "finding-1 of Kim"]


def test_the_same_happening_told_by_many_at_once_is_one(api: Api) -> None:
    for number in range(3):
        api.person(Role.RADIOLOGIST, f"reader{number}")
    errors: list[BaseException] = []

    def run() -> None:
        try:
            for number in range(5):
                tell(api, news(f"finding-{number}"))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with api.service.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Happening)) == 5
        rows = session.execute(select(Notification.account_id, Notification.number)).all()
    numbers = {account: sorted(number for one, number in rows if one == account) for account, _ in rows}
    assert list(numbers.values()) == [[1, 2, 3, 4, 5]] * 3


@pytest.mark.parametrize(
    ("ground", "seconds", "is_told"),
    [(Ground.CARE_TEAM, None, True), (Ground.BREAK_GLASS, 60.0, True), (Ground.BREAK_GLASS, -60.0, False)],
    ids=["treats", "emergency", "emergency-over"],
)
def test_a_finding_is_told_to_who_may_see_the_patient(
    api: Api, ground: Ground, seconds: float | None, is_told: bool
) -> None:
    account, bearer = doctor(api)
    grant(api, account, ground, None if seconds is None else api.clock() + seconds)
    assert tell(api, news("finding")) == is_told
    assert len(subjects(api, bearer)) == is_told


def test_another_issuers_patient_of_that_id_is_another_patient(api: Api) -> None:
    grant(api, doctor(api)[0])
    assert tell(api, news("finding", patient=Patient(KIM.patient_id, "ELSEWHERE"))) == 0


def test_what_is_about_nobody_is_told_to_those_who_see_all(api: Api) -> None:
    grant(api, doctor(api)[0])
    api.person(Role.RADIOLOGIST)
    assert tell(api, news("finding", patient=None)) == 1


def test_a_disabled_account_is_not_told(api: Api) -> None:
    account = api.person(Role.RADIOLOGIST)
    answer = api.client.patch(f"/api/v1/users/{account}", json={"enabled": False}, headers=api.admin())
    assert answer.status_code == 200
    assert tell(api, news("finding")) == 0


def test_who_may_not_see_the_patient_any_more_is_shown_nothing_of_them(api: Api) -> None:
    account, bearer = doctor(api)
    grant(api, account, until=api.clock() + 60)
    tell(api, news("finding"))
    (entry,) = listed(api, bearer)["notifications"]
    api.clock.time += 61
    assert listed(api, bearer) == {"notifications": [], "next": None, "unread": 0}
    answer = api.client.post(f"/api/v1/notifications/{entry['id']}/read", headers=bearer)
    assert (answer.status_code, code_of(answer)) == (404, "no_such_notification")


@pytest.mark.parametrize("link", ["https://evil.example", "//evil.example", "console"])
def test_a_link_leads_nowhere_else(link: str) -> None:
    with pytest.raises(ValueError, match="path of this origin"):
        News(kind=Kind.JOB_FAILED, subject="x", link=link, dedupe="x")


def test_a_subject_is_one_line_of_bounded_length(api: Api) -> None:
    what = News(kind=Kind.JOB_FAILED, subject=f"first\nsecond {'x' * 600}", link=LINK, dedupe="long")
    with api.service.database.writing() as session:
        notify(session, what, api.clock())
    (subject,) = subjects(api, api.admin())
    assert subject.startswith("first second xxx")
    assert len(subject) == 500
