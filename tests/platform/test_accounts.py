"""Accounts behind the gateway: a browser's login, a plugin's long poll, a first start."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from neuronova.contract.grants import AccountChange, from_json
from tests import postgres
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, NEURONOVA, Platform, environment
from tests.server import until
from tests.synthetic import make, part10

EFFECT = 5.0  # seconds that a busy machine may take for what is promised within one; `make bench` measures it
CREDENTIALS = {"username": "admin", "password": ADMIN_PASSWORD}


def test_a_browser_logs_in_and_out(platform: Platform) -> None:
    with requests.Session() as browser:
        elsewhere = {"Origin": "http://elsewhere.example"}
        browser.headers["Origin"] = platform.url
        assert browser.post(f"{platform.url}/api/v1/auth/login", json=CREDENTIALS, timeout=PATIENCE).status_code == 200
        assert browser.get(f"{platform.url}/api/v1/auth/me", timeout=PATIENCE).json()["username"] == "admin"
        assert (
            browser.post(f"{platform.url}/api/v1/auth/refresh", timeout=PATIENCE, headers=elsewhere).status_code == 403
        )
        assert browser.post(f"{platform.url}/api/v1/auth/refresh", timeout=PATIENCE).status_code == 200
        assert browser.post(f"{platform.url}/api/v1/auth/logout", timeout=PATIENCE).status_code == 204
        assert browser.get(f"{platform.url}/api/v1/auth/me", timeout=PATIENCE).status_code == 401


def test_an_address_cannot_be_forged_to_guess_on(start_platform: Callable[..., Platform]) -> None:
    platform = start_platform()  # of its own: nobody else logs in there for a while

    def guess(number: int) -> int:
        forged = {"X-Neuronova-Client": f"203.0.113.{number}", "X-Forwarded-For": f"203.0.113.{number}"}
        body = {"username": f"guess-{number}", "password": "wrong"}
        return requests.post(
            f"{platform.url}/api/v1/auth/login", json=body, headers=forged, timeout=PATIENCE
        ).status_code

    assert [guess(number) for number in range(51)] == [401] * 50 + [429]


def test_the_description_is_a_page(platform: Platform) -> None:
    page = platform.get("/api/v1/swagger")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "script-src 'self' 'unsafe-inline'" in page.headers["Content-Security-Policy"]
    assert platform.get("/api/v1/openapi.json").headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_command_reaches_a_waiting_poll(platform: Platform) -> None:
    key = (platform.settings.data / "keys" / "plugin.key").read_text()
    asked = f"http://127.0.0.1:{platform.settings.api_port}/api/v1/internal/grants"
    headers = {"X-Neuronova-Service-Key": key}
    version = requests.get(asked, headers=headers, timeout=PATIENCE).json()["version"]
    found: dict[str, Any] = {}

    def poll() -> None:
        params: dict[str, str] = {"since": str(version), "wait": "25"}
        found["update"] = from_json(requests.get(asked, params=params, headers=headers, timeout=PATIENCE).json())

    waiting = threading.Thread(target=poll)
    waiting.start()
    command = [str(NEURONOVA), "users", "add", "lee", "--role", "nurse"]
    subprocess.run(command, env=platform.environment, check=True, capture_output=True, timeout=PATIENCE)
    waiting.join(2)
    assert [type(change) for change in found["update"].changes] == [AccountChange]
    assert platform.get("/api/v1/internal/grants", X_Neuronova_Service_Key=key).status_code == 404


def test_a_waiting_poll_does_not_hold_up_the_end(start_platform: Callable[..., Platform]) -> None:
    platform = start_platform()
    key = (platform.settings.data / "keys" / "plugin.key").read_text()
    asked = f"http://127.0.0.1:{platform.settings.api_port}/api/v1/internal/grants"
    headers = {"X-Neuronova-Service-Key": key}
    version = requests.get(asked, headers=headers, timeout=PATIENCE).json()["version"]
    answers: list[int] = []

    def poll() -> None:
        params = {"since": str(version), "wait": "25"}
        answers.append(requests.get(asked, params=params, headers=headers, timeout=PATIENCE).status_code)

    waiting = threading.Thread(target=poll)
    waiting.start()
    time.sleep(0.5)
    assert platform.stop() == 0
    waiting.join(1)
    assert answers == [200]


def test_a_first_password_is_printed_and_in_no_log(tmp_path: Path) -> None:
    variables = environment(tmp_path / "data")
    del variables["NEURONOVA_ADMIN_PASSWORD"]
    with subprocess.Popen([NEURONOVA, "run"], env=variables, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as run:
        assert run.stdout
        line = run.stdout.readline()
        password = line.split("its password ")[1].split()[0]
        until(lambda: run.stdout and "Logs" in run.stdout.readline(), "the platform is up")
        login = f"http://127.0.0.1:{variables['NEURONOVA_HTTP_PORT']}/api/v1/auth/login"
        answer = requests.post(login, json={"username": "admin", "password": password}, timeout=PATIENCE)
        run.terminate()
        run.wait(PATIENCE)
    assert answer.status_code == 200
    secrets = [password, answer.json()["access_token"], answer.json()["refresh_token"]]
    kept = [file for file in (tmp_path / "data").rglob("*") if file.is_file() and "viewer" not in file.parts]
    assert len(kept) > 10
    for file in kept:
        assert not [secret for secret in secrets if secret.encode() in file.read_bytes()], file


@pytest.fixture(params=["sqlite", "postgresql"])
def on_database(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The setting that chooses a database."""
    if request.param == "sqlite":
        yield {}
        return
    with postgres.cluster() as address:
        yield {"NEURONOVA_DATABASE_URL": address}


def test_what_is_granted_or_taken_holds_at_once(
    start_platform: Callable[..., Platform], on_database: dict[str, str]
) -> None:
    platform = start_platform(**on_database)
    image = make("ct", PatientID="KIM", IssuerOfPatientID="HOSPITAL")
    stored = requests.post(
        f"{platform.url}/orthanc/instances", data=part10(image), headers=bearing(platform.login()), timeout=PATIENCE
    )
    assert stored.ok, stored.text
    account = platform.add_user("doctor", "doctor")
    login = platform.login("doctor")
    grants = f"/api/v1/users/{account}/grants"
    study = f"{platform.url}/dicom-web/studies/{image.StudyInstanceUID}/metadata"

    def until_answered(status: int) -> None:
        def answered() -> bool:
            return requests.get(study, headers=bearing(login), timeout=PATIENCE).status_code == status

        until(answered, f"{status} for {study}", EFFECT)

    def grant() -> None:
        platform.post(grants, {"patient_id": "KIM", "issuer": "HOSPITAL"})
        until_answered(200)

    until_answered(404)
    grant()
    taken = requests.delete(
        platform.url + grants,
        params={"patient_id": "KIM", "issuer": "HOSPITAL"},
        headers=bearing(platform.login()),
        timeout=PATIENCE,
    )
    assert taken.status_code == 204
    until_answered(404)

    killed = {pid for pid, command in platform.pids().items() if "cdss_api" in command}
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    until(lambda: platform.pid_of("cdss_api") not in killed | {None} and platform.healthy(), "the API is back")
    grant()

    requests.post(
        f"{platform.url}/api/v1/auth/logout",
        json={"refresh_token": login["refresh_token"]},
        headers=bearing(login),
        timeout=PATIENCE,
    ).raise_for_status()
    until_answered(401)
    login = platform.login("doctor")
    until_answered(200)
    disabled = requests.patch(
        f"{platform.url}/api/v1/users/{account}",
        json={"enabled": False},
        headers=bearing(platform.login()),
        timeout=PATIENCE,
    )
    assert disabled.ok, disabled.text
    until_answered(401)


def bearing(login: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {login['access_token']}"}
