"""Asking the FHIR interface as somebody."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from neuronova.contract.audit import Event
from neuronova.contract.roles import Role
from tests.accounts.api import Api
from tests.audit.events import records

ROOT = "/api/v1/fhir"
JSON = "application/fhir+json"
PATIENT_ID = "urn:neuronova:patient-id"


@dataclass
class Fhir:
    """The service, and the header of each role that has asked."""

    api: Api
    journal: Path
    _headers: dict[str, dict[str, str]] = field(default_factory=dict)
    _accounts: dict[str, str] = field(default_factory=dict)

    def account(self, role: Role) -> str:
        """Return the account of a role, made when it is first asked for."""
        if role.value not in self._accounts:
            self._accounts[role.value] = self.api.person(role)
        return self._accounts[role.value]

    def header(self, role: Role) -> dict[str, str]:
        if role.value not in self._headers:
            if role is Role.ADMIN:
                self._headers[role.value] = self.api.admin()
            else:
                self.account(role)
                self._headers[role.value] = self.api.bearer(role.value)
        return self._headers[role.value]

    def ask(
        self, method: str, path: str, body: Any = None, *, role: Role | None = Role.ADMIN, **headers: str
    ) -> TestResponse:
        """Ask below the root; `headers` are written with underscores."""
        given = {} if role is None else self.header(role)
        given = given | {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, str | bytes | None) else json.dumps(body)
        kind = given.pop("Content-Type", JSON) if data is not None else None
        return self.api.client.open(f"{ROOT}{path}", method=method, data=data, content_type=kind, headers=given)

    def create(self, body: dict[str, Any], role: Role = Role.ADMIN) -> str:
        """Create a resource; return its id."""
        answer = self.ask("POST", f"/{body['resourceType']}", body, role=role)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.get_json(force=True)
        return str(made["id"])

    def found(self, path: str, role: Role = Role.ADMIN) -> list[str]:
        """Return the ids of what a search finds, in its order."""
        return [entry["resource"]["id"] for entry in self.entries(path, role) if entry["search"]["mode"] == "match"]

    def entries(self, path: str, role: Role = Role.ADMIN) -> list[dict[str, Any]]:
        bundle = self.bundle(path, role)
        entries: list[dict[str, Any]] = bundle.get("entry", [])
        return entries

    def entries_of_any(self, path: str, role: Role) -> list[dict[str, Any]]:
        """Return the entries of a search or history that hold a resource."""
        return [one for one in self.entries(path, role) if "id" in one.get("resource", {})]

    def forget(self) -> None:
        """Log everybody in anew when they ask next: their tokens are too old."""
        self._headers.clear()

    def bundle(self, path: str, role: Role = Role.ADMIN) -> dict[str, Any]:
        answer = self.ask("GET", path, role=role)
        assert answer.status_code == 200, answer.text
        bundle: dict[str, Any] = answer.get_json(force=True)
        return bundle

    def break_journal(self) -> None:
        """Take the journal's file away, as a lost disk does."""
        self.journal.rename(self.journal.with_suffix(".away"))

    def mend_journal(self) -> None:
        self.journal.with_suffix(".away").rename(self.journal)

    def events(self) -> list[Event]:
        """Return what the journal says."""
        return [record.event for record in records(self.journal)]


def issue_of(answer: TestResponse) -> str:
    """Return the code of an OperationOutcome."""
    assert answer.content_type == JSON, answer.text
    outcome = answer.get_json(force=True)
    assert outcome["resourceType"] == "OperationOutcome"
    return str(outcome["issue"][0]["code"])


def patient(number: str = "P1", **more: Any) -> dict[str, Any]:
    """Return a patient of this PatientID."""
    return {"resourceType": "Patient", "identifier": [{"system": PATIENT_ID, "value": number}], **more}
