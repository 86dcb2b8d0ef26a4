"""What the plugin is told, and how soon."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from cdss_api.accounts import grants, people, work
from cdss_api.accounts.models import Account, Grant
from neuronova.contract.grants import AccountChange, GrantChange, Ground, KeyChange, Patient, from_json
from neuronova.contract.roles import Role
from tests.accounts.api import KIM, TESTER, Api, code_of, json_of
from tests.running import ADMIN_PASSWORD


def test_a_snapshot_and_what_follows(api: Api) -> None:
    doctor = api.person(Role.DOCTOR)
    snapshot = api.update()
    assert snapshot.full
    kinds = {type(change) for change in snapshot.changes}
    assert kinds == {AccountChange, KeyChange}
    assert api.update(snapshot.version) == type(snapshot)(version=snapshot.version, full=False, changes=())
    with api.service.work(TESTER) as changing:
        account = changing.session.get_one(Account, doctor)
        grants.give(changing, account, KIM)
        people.change(changing, account, enabled=False)
    delta = api.update(snapshot.version)
    granted = GrantChange(account=doctor, patient_id="KIM-1", issuer="HOSPITAL", ground=Ground.CARE_TEAM, granted=True)
    disabled = AccountChange(account=doctor, role=Role.DOCTOR, enabled=False)
    assert (delta.full, delta.changes) == (False, (granted, disabled))
    assert delta.version == snapshot.version + 2
    assert api.update(snapshot.version + 1).changes == (disabled,)
    assert {granted, disabled} <= set(api.update().changes)


@pytest.mark.parametrize("since", [1, 2**50])
def test_who_knows_another_history_gets_everything(api: Api, since: int) -> None:
    assert api.update(since).full


def test_who_was_away_too_long_gets_everything(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "KEPT", 3)
    before = api.update().version
    for number in range(4):
        api.person(Role.NURSE, f"nurse-{number}")
    assert api.update(before).full
    assert [type(change) for change in api.update(before + 1).changes] == [AccountChange] * 3


def test_what_has_expired_is_left_out_of_a_snapshot(api: Api) -> None:
    doctor = api.person(Role.DOCTOR)
    with api.service.work(TESTER) as changing:
        account = changing.session.get_one(Account, doctor)
        grants.give(changing, account, KIM, Ground.BREAK_GLASS, until=api.clock() + 60, reason="an emergency")
    assert any(isinstance(change, GrantChange) for change in api.update().changes)
    api.clock.time += 61
    assert not any(isinstance(change, GrantChange) for change in api.update().changes)


@pytest.mark.parametrize("path", ["grants", "grants?since=0", "nothing", "", "../internal/grants"])
@pytest.mark.parametrize("key", [None, "wrong", "ключ"])
def test_without_the_service_key_nothing_is_told(api: Api, path: str, key: str | None) -> None:
    headers = {} if key is None else {"X-Neuronova-Service-Key": key.encode().decode("latin-1")}
    answer = api.client.get(f"/api/v1/internal/{path}", headers=headers | api.admin())
    assert (answer.status_code, code_of(answer)) == (403, "service_key_required")


@pytest.mark.parametrize("query", ["since=x", "since=-1", "wait=26", "wait=nan", "since=1e99", f"since={'9' * 400}"])
def test_odd_questions(api: Api, query: str) -> None:
    answer = api.client.get(f"/api/v1/internal/grants?{query}", headers=api.internal())
    assert code_of(answer) == "invalid_input"


def test_a_poll_without_news_waits_and_says_so(api: Api) -> None:
    version = api.update().version
    began = time.monotonic()
    answer = api.client.get(f"/api/v1/internal/grants?since={version}&wait=0.3", headers=api.internal())
    assert time.monotonic() - began >= 0.3
    assert from_json(json_of(answer)).changes == ()


def test_a_stopping_service_keeps_nobody_waiting(api: Api) -> None:
    version = api.update().version
    threading.Timer(0.2, api.service.stopping.set).start()
    began = time.monotonic()
    api.client.get(f"/api/v1/internal/grants?since={version}&wait=25", headers=api.internal())
    assert time.monotonic() - began < 20


_ELSEWHERE = """
import os, sys
from cdss_api.accounts import people
from cdss_api.accounts.recording import Actor
from cdss_api.starting import open_service
from neuronova.contract.roles import Role
from neuronova.contract.settings import read_settings
service = open_service(read_settings(os.environ))
print("ready", flush=True)
sys.stdin.readline()
with service.work(Actor(subject="elsewhere")) as work:
    people.add(work, username="new", role=Role.NURSE, password_hash=None)
print("done", flush=True)
service.database.close()
"""


def test_a_change_of_another_process_wakes_a_poll(api: Api, variables: dict[str, str]) -> None:
    version = api.update().version
    found: dict[str, Any] = {}

    def poll() -> None:
        asked = f"/api/v1/internal/grants?since={version}&wait=25"
        found["update"] = from_json(json_of(api.client.get(asked, headers=api.internal())))
        found["at"] = time.monotonic()

    command = [sys.executable, "-c", _ELSEWHERE]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=variables | {"PYTHONPATH": ":".join(sys.path)}, text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "ready\n"
        waiting = threading.Thread(target=poll)
        waiting.start()
        process.stdin.write("now\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
        done = time.monotonic()
        waiting.join()
    assert [type(change) for change in found["update"].changes] == [AccountChange]
    assert found["at"] - done < 20


def test_ten_thousand_grants_are_told_once(api: Api) -> None:
    doctor = api.person(Role.DOCTOR)
    with api.service.work(TESTER) as changing:
        account = changing.session.get_one(Account, doctor)
        changing.session.add_all(
            Grant(
                grant_id=f"{number}",
                account_id=account.account_id,
                patient_id=f"P{number}",
                issuer="",
                ground=Ground.CARE_TEAM,
                granted_at=0,
                granted_by="tests",
            )
            for number in range(10_000)
        )
    answer = api.client.get("/api/v1/internal/grants", headers=api.internal())
    assert sum(change["change"] == "grant" for change in json_of(answer)["changes"]) == 10_000
    before = api.update().version
    with api.service.work(TESTER) as changing:
        grants.give(changing, changing.session.get_one(Account, doctor), Patient("ONE MORE", ""))
    answer = api.client.get(f"/api/v1/internal/grants?since={before}", headers=api.internal())
    assert len(json_of(answer)["changes"]) == 1


def test_no_change_is_told_that_was_not_recorded(api: Api) -> None:
    before = api.update()
    api.journal.broken = True
    with pytest.raises(OSError, match="no space"):
        api.person(Role.DOCTOR)
    with pytest.raises(OSError, match="no space"), api.service.work(TESTER) as changing:
        api.service.keyring.rotate(changing)
    assert api.update() == before
    api.journal.broken = False
    assert api.log_in("admin", ADMIN_PASSWORD).status_code == 200
