"""The service in this process, with a clock to turn, a journal to read and cheap password hashes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cdss_api.accounts import people
from cdss_api.accounts.changes import read_update
from cdss_api.accounts.recording import Actor
from cdss_api.app import create_app
from cdss_api.audit.accesses import Accesses
from cdss_api.service import Service
from cdss_api.starting import open_service, plugin_key_file, prepare
from neuronova.contract.grants import Patient, Update
from neuronova.contract.roles import Role
from neuronova.contract.settings import Settings
from tests.running import ADMIN_PASSWORD

PASSWORD = "correct horse battery"
TESTER = Actor(subject="tests", address="192.0.2.1")
KIM = Patient("KIM-1", "HOSPITAL")


class Hasher:
    """argon2 with the least work, which counts how often it compares."""

    def __init__(self) -> None:
        self.compared = 0
        self._argon2 = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

    def hash(self, password: str) -> str:
        return self._argon2.hash(password)

    def verify(self, hash: str, password: str) -> bool:
        self.compared += 1
        return self._argon2.verify(hash, password)


@dataclass
class Clock:
    """The time, turned by hand."""

    time: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@dataclass
class Journal:
    """What was recorded; `broken` stands for a full disk."""

    events: list[dict[str, Any]] = field(default_factory=list)
    broken: bool = False

    def __call__(self, **event: Any) -> None:
        if self.broken:
            raise OSError("no space left on device")
        self.events.append(event)

    def actions(self) -> list[str]:
        return [f"{event['action']} {event['outcome']}" for event in self.events]


class Api:
    """The service and whoever asks it."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, accesses: Accesses | None = None) -> None:
        self.clock, self.journal, self.hasher = clock or Clock(), Journal(), Hasher()
        self.said: list[str] = []
        self.service: Service = open_service(
            settings, record=self.journal, accesses=accesses, now=self.clock, hasher=self.hasher
        )
        prepare(self.service, self.said.append)
        self.journal.events.clear()
        self.app: Flask = create_app(self.service)
        self.client: FlaskClient = self.app.test_client(use_cookies=False)

    def person(self, role: Role, username: str = "") -> str:
        """Make an account; return its identifier."""
        patient = KIM if role is Role.PATIENT else None
        with self.service.work(TESTER) as work:
            hashed = self.service.passwords.hash(PASSWORD)
            name = username or role.value
            account = people.add(work, username=name, role=role, password_hash=hashed, patient=patient)
            return account.account_id

    def log_in(self, username: str, password: str = PASSWORD, **more: str) -> TestResponse:
        return self.client.post("/api/v1/auth/login", json={"username": username, "password": password, **more})

    def tokens(self, username: str, password: str = PASSWORD, **more: str) -> dict[str, Any]:
        answer = self.log_in(username, password, **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = json_of(answer)
        return found

    def bearer(self, username: str, password: str = PASSWORD) -> dict[str, str]:
        """Log in; return the header of who did."""
        return {"Authorization": f"Bearer {self.tokens(username, password)['access_token']}"}

    def admin(self) -> dict[str, str]:
        return self.bearer("admin", ADMIN_PASSWORD)

    def refresh(self, token: str) -> TestResponse:
        return self.client.post("/api/v1/auth/refresh", json={"refresh_token": token})

    def me(self, token: str) -> TestResponse:
        return self.client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})

    def update(self, since: int = 0) -> Update:
        with self.service.database.reading() as session:
            return read_update(session, since, self.clock())

    def internal(self) -> dict[str, str]:
        return {"X-Neuronova-Service-Key": plugin_key_file(self.service.settings).read_text()}


def json_of(answer: TestResponse) -> Any:
    """Return what an answer says."""
    return answer.json


def code_of(answer: TestResponse) -> str:
    """Return the stable code of a problem."""
    assert answer.content_type == "application/problem+json", answer.text
    members = json_of(answer)
    assert members["status"] == answer.status_code
    return str(members["code"])
