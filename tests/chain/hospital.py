"""The people of the hospital, its order, and what is asked of the platform in whose name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from cdss_api.worklist.mapping import AE_TITLE, DCM, SNOMED
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, Platform

ACCOUNT = "urn:neuronova:account"
ISSUER, PATIENT_ID, ACCESSION = "urn:oid:1.2.410.200001.1", "2026-0417", "A20260417"
STATION = "CT_ONE"
KINDS = "Patient,Practitioner,ServiceRequest,ImagingStudy,DiagnosticReport"
_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
PEOPLE = {"rad": "radiologist", "tech": "technologist", "doctor": "doctor", "other": "doctor"}


@dataclass
class Hospital:
    """A platform, and the tokens of those who ask it."""

    platform: Platform
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None, who: str = "admin") -> requests.Response:
        """Ask the gateway in somebody's name."""
        if who not in self.tokens:
            self.tokens[who] = self.platform.login(who, ADMIN_PASSWORD)["access_token"]
        kind = "application/fhir+json" if "/fhir" in path else "application/json"
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} | ({"Content-Type": kind} if body else {})
        data = json.dumps(body) if body else None
        return requests.request(method, self.platform.url + path, data=data, headers=headers, timeout=PATIENCE)

    def told(self, method: str, path: str, body: Any = None, who: str = "admin") -> Any:
        """Ask what has to work; return the JSON."""
        answer = self.ask(method, path, body, who)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.text else None

    def found(self, search: str, who: str = "admin") -> list[dict[str, Any]]:
        """Return the resources that a search finds."""
        entries = self.told("GET", f"/api/v1/fhir/{search}", who=who).get("entry", ())
        return [one["resource"] for one in entries if one.get("search", {}).get("mode") == "match"]

    def progress(self, order: str, day: str) -> str:
        """Return how far an order of a day is, as the technologist sees it."""
        orders = self.told("GET", f"/api/v1/worklist/day?day={day}", who="tech")["orders"]
        return next((str(one["progress"]) for one in orders if one["order"] == order), "")

    def open(self, target: str) -> None:
        """Let the people, the scanner and the external server in."""
        for username, role in PEOPLE.items():
            self.platform.add_user(username, role)
        self.told("PUT", f"/api/v1/modalities/{STATION}", {"host": "127.0.0.1", "operations": ["store", "worklist"]})
        self.platform.command("outbox", "target", "add", "emr", target, "--kinds", KINDS, "--profile", "medplum")

    def order(self, at: datetime) -> dict[str, str]:
        """Order a CT in one transaction; return the ids by type."""
        answer = self.told("POST", "/api/v1/fhir", _bundle(at))
        made = [one["response"]["location"].split("/")[-4:-2] for one in answer["entry"]]
        assert all(one["response"]["status"].startswith("201") for one in answer["entry"]), answer
        return dict(made)


def _bundle(at: datetime) -> dict[str, Any]:
    patient, doctor, device = _uuid(1), _uuid(2), _uuid(3)
    order = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "priority": "urgent",
        "identifier": [{"type": {"coding": [{"system": _TYPES, "code": "ACSN"}]}, "value": ACCESSION}],
        "category": [{"coding": [{"system": SNOMED, "code": "363679005", "display": "Imaging"}]}],
        "code": {"text": "뇌 CT", "coding": [{"system": SNOMED, "code": "303653007", "display": "CT of head"}]},
        "orderDetail": [{"coding": [{"system": DCM, "code": "CT"}]}],
        "subject": {"reference": patient},
        "requester": {"reference": doctor},
        "performer": [{"reference": device}],
        "reasonCode": [{"text": "두통"}],
        "occurrenceDateTime": at.isoformat(timespec="seconds"),
    }
    team = {
        "resourceType": "CareTeam",
        "status": "active",
        "subject": {"reference": patient},
        "participant": [{"member": {"reference": doctor}}],
    }
    resources = (
        (patient, _patient()),
        (doctor, _practitioner()),
        (device, {"resourceType": "Device", "identifier": [{"system": AE_TITLE, "value": STATION}]}),
        (_uuid(4), team),
        (_uuid(5), order),
    )
    entries = [
        {"fullUrl": url, "resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
        for url, one in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _patient() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": ISSUER, "value": PATIENT_ID}],
        "name": [{"family": "Hong", "given": ["Gildong"]}, {"family": "홍", "given": ["길동"]}],
        "birthDate": "1980-02-03",
        "gender": "male",
    }


def _practitioner() -> dict[str, Any]:
    return {
        "resourceType": "Practitioner",
        "identifier": [{"system": ACCOUNT, "value": "doctor"}],
        "name": [{"family": "Lee", "given": ["Sora"]}],
    }


def _uuid(number: int) -> str:
    return f"urn:uuid:6a1f0b9e-0001-4000-8000-{number:012}"
