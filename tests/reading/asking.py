"""Asking for lists and reports as somebody."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from neuronova.contract.roles import Role
from tests.accounts.api import json_of
from tests.fhir.asking import Fhir

TEXT = "No haemorrhage.\n출혈 없음."


def rows(fhir: Fhir, query: str = "", role: Role = Role.RADIOLOGIST) -> list[dict[str, Any]]:
    answer = fhir.api.client.get(f"/api/v1/reading{query}", headers=fhir.header(role))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = json_of(answer)["studies"]
    return found


def studies(fhir: Fhir, query: str = "", role: Role = Role.RADIOLOGIST) -> list[str]:
    return [row["study"] for row in rows(fhir, query, role)]


def get(fhir: Fhir, path: str, role: Role = Role.RADIOLOGIST) -> TestResponse:
    return fhir.api.client.get(f"/api/v1/reports/{path}", headers=fhir.header(role))


def save(
    fhir: Fhir, study: str, status: str, version: int | None = None, role: Role = Role.RADIOLOGIST, **more: Any
) -> TestResponse:
    headers = fhir.header(role) | ({} if version is None else {"If-Match": f'W/"{version}"'})
    body = {"status": status, "conclusion": TEXT} | more
    return fhir.api.client.put(f"/api/v1/reports/{study}", json=body, headers=headers)
