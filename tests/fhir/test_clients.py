"""Clients that others wrote do what their users do, against the API as it runs: its own process, over HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from fhirclient.client import FHIRClient
from fhirclient.models.condition import Condition
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

from cdss_api.clients import registry
from cdss_api.starting import open_service, prepare
from neuronova.contract.settings import read_settings
from tests.accounts.api import TESTER
from tests.clients.program import ASSERTION, Program, key_set
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, ambient
from tests.server import free_ports, until

ISSUER = "urn:example:hospital"


class Running:
    """The API's process, and the token of a client that is registered with it."""

    def __init__(self, data: Path) -> None:
        (data / "api").mkdir(parents=True)
        (data / "audit").mkdir()
        (port,) = free_ports(1)
        self.origin = f"http://127.0.0.1:{port}"
        ours = {"NEURONOVA_DATA": str(data), "NEURONOVA_ADMIN_PASSWORD": ADMIN_PASSWORD}
        ours |= {"NEURONOVA_PUBLIC_URL": self.origin}
        self.service = open_service(read_settings(ours))
        prepare(self.service, print)
        command = [sys.executable, "-m", "gunicorn", "cdss_api.wsgi:app", "--bind", f"127.0.0.1:{port}"]
        command += ["--threads", "4", "--no-control-socket", "--log-level", "warning"]
        self.process = subprocess.Popen(command, env=ambient() | ours)

    @property
    def fhir(self) -> str:
        return f"{self.origin}/api/v1/fhir"

    def answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return requests.get(f"{self.fhir}/metadata", timeout=PATIENCE).status_code == 200
        except (requests.ConnectionError, requests.Timeout):  # it listens before it has loaded
            return False

    def token(self) -> str:
        """Return a token as a program gets it: by the address that the interface names."""
        with self.service.work(TESTER) as work:
            client = registry.add(work, name="Others", scopes="system/*.cruds", jwks=key_set())
            client_id = client.client_id
        known = requests.get(f"{self.fhir}/.well-known/smart-configuration", timeout=PATIENCE).json()
        program = Program(_Now(self.service), client_id)
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "scope": "system/*.cruds"}
        form["client_assertion"] = program.assertion("RS384", aud=known["token_endpoint"])
        answer = requests.post(known["token_endpoint"], data=form, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


class _Now:
    """What a program needs to know of the service."""

    def __init__(self, service: Any) -> None:
        self.service, self.clock = service, service.now


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    api = Running(tmp_path_factory.mktemp("others"))
    try:
        until(api.answers, "the API answers")
        yield api
    finally:
        api.process.terminate()
        api.process.wait(PATIENCE)
        api.service.database.close()


@pytest.fixture(scope="module")
def token(running: Running) -> str:
    return running.token()


def test_fhirpy_does_a_round(running: Running, token: str) -> None:
    client = SyncFHIRClient(running.fhir, authorization=f"Bearer {token}")
    patient = client.resource("Patient", name=[{"family": "김", "given": ["민수"]}])
    patient["identifier"] = [{"system": ISSUER, "value": "FHIRPY-1"}]
    patient.save()
    assert patient["meta"]["versionId"] == "1"
    patient["birthDate"] = "1970-01-01"
    patient.save()
    assert client.reference("Patient", patient["id"]).to_resource()["birthDate"] == "1970-01-01"
    for number in range(7):
        code = {"text": f"finding {number}"}
        client.resource("Condition", subject=patient.to_reference(), code=code).save()
    conditions = client.resources("Condition").search(patient=patient.to_reference()).limit(3)
    assert len(conditions.fetch()) == 3
    assert len(conditions.fetch_all()) == 7, "all pages, by their links"
    named = (
        client.resources("Condition").search(patient__identifier=f"{ISSUER}|FHIRPY-1").include("Condition", "patient")
    )
    entries = named.fetch_raw()["entry"]
    assert {entry["resource"].resource_type for entry in entries} == {"Condition", "Patient"}
    second = client.resource("Patient", identifier=[{"system": ISSUER, "value": "FHIRPY-2"}])
    condition = client.resources("Patient").search(identifier=f"{ISSUER}|FHIRPY-2")
    made, created = condition.update(second)
    again, created_again = condition.update(second)
    assert (created, created_again, again["id"]) == (True, False, made["id"])
    made.delete()
    with pytest.raises((ResourceNotFound, OperationOutcome)):
        client.reference("Patient", made["id"]).to_resource()
    with pytest.raises(OperationOutcome):
        client.resource("Patient", birthDate="yesterday").save()


def test_fhirclient_does_a_round(running: Running, token: str) -> None:
    smart = FHIRClient(settings={"app_id": "tests", "api_base": running.fhir})
    server = smart.server
    server.session.headers["Authorization"] = f"Bearer {token}"
    assert server.capabilityStatement.fhirVersion == "4.0.1"
    given = {"resourceType": "Patient", "identifier": [{"system": ISSUER, "value": "CLIENT-1"}], "gender": "other"}
    patient = Patient(given)
    made = patient.create(server)
    read = Patient.read(made["id"], server)
    assert (read.gender, read.identifier[0].value) == ("other", "CLIENT-1")
    read.gender = "female"
    read.update(server)
    value = {"value": 13.2, "unit": "g/dL"}
    subject = {"reference": f"Patient/{made['id']}"}
    observation = Observation({"status": "final", "code": {"text": "Hb"}, "valueQuantity": value, "subject": subject})
    observation.create(server)
    search = Observation.where({"subject": f"Patient/{made['id']}", "value-quantity": "gt13"})
    assert [one.valueQuantity.value for one in search.perform_resources_iter(server)] == [13.2]
    assert [one.gender for one in Patient.where({"_id": made["id"]}).perform_resources_iter(server)] == ["female"]
    assert list(Condition.where({"patient": made["id"]}).perform_resources_iter(server)) == []
    assert Patient.read(made["id"], server).delete() is None
    assert list(Patient.where({"_id": made["id"]}).perform_resources_iter(server)) == []
