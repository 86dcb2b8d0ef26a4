"""People who are told, and what they are told of."""

from __future__ import annotations

from typing import Any

from cdss_api.accounts import grants
from cdss_api.accounts.models import Account
from cdss_api.notifications.kinds import Kind
from cdss_api.notifications.notifying import News, notify
from neuronova.contract.grants import Ground, Patient
from neuronova.contract.roles import Role
from tests.accounts.api import KIM, TESTER, Api, json_of

LINK = "/console/reading"


def grant(api: Api, account: str, ground: Ground = Ground.CARE_TEAM, until: float | None = None) -> None:
    """Let an account see Kim."""
    with api.service.work(TESTER) as work:
        grants.give(work, work.session.get_one(Account, account), KIM, ground, until=until)


def news(dedupe: str, kind: Kind = Kind.CRITICAL_FINDING, patient: Patient | None = KIM) -> News:
    """Return something that happened."""
    return News(kind=kind, subject=f"{dedupe} of Kim", link=LINK, dedupe=dedupe, patient=patient, study="1.2.3")


def tell(api: Api, what: News) -> int:
    """Tell in a transaction of its own."""
    with api.service.database.writing() as session:
        return notify(session, what, api.clock())


def listed(api: Api, bearer: dict[str, str], query: str = "") -> dict[str, Any]:
    """Return what somebody's list answers."""
    answer = api.client.get(f"/api/v1/notifications{query}", headers=bearer)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json_of(answer)
    return found


def subjects(api: Api, bearer: dict[str, str]) -> list[str]:
    """Return what somebody is told of, the newest first."""
    return [one["subject"] for one in listed(api, bearer)["notifications"]]


def doctor(api: Api, name: str = "doctor") -> tuple[str, dict[str, str]]:
    """Make a doctor; return the account and the header of their requests."""
    account = api.person(Role.DOCTOR, name)
    return account, api.bearer(name)
