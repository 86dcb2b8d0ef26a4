"""FHIR: requests per second beside Medplum's router, and what a hundred people at once wait for."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from bench.report import Detail, Pairs, Result, Row
from bench.wrk import Asked, ask
from cdss_api.accounts import grants, people
from cdss_api.accounts.recording import Actor
from cdss_api.fhir.document import write
from cdss_api.starting import open_service, prepare
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role
from neuronova.contract.settings import read_settings
from neuronova.platform.layout import Layout
from neuronova.platform.programs import find_programs
from neuronova.platform.render import commands
from tests.emr.peer import emr
from tests.running import ADMIN_PASSWORD, ambient
from tests.server import free_ports, until

FHIR_JSON = "application/fhir+json"
PATIENTS, OBSERVATIONS = 200, 10  # of each
PEOPLE, THINK = 100, 1.0  # seconds between two requests of one
LIMITS = {"reads": 100.0, "searches": 300.0}  # ms
BENCH = Actor(subject="bench")
_HEMOGLOBIN = {"system": "http://loinc.org", "code": "718-7", "display": "Hemoglobin"}


@dataclass(frozen=True, eq=False)
class Side:
    """A server under load, and the ids of what it holds."""

    origin: str
    base: str
    headers: Mapping[str, str]
    patients: Sequence[str]

    def reads(self) -> list[Asked]:
        """Return a read of each patient."""
        return [Asked(f"{self.base}/Patient/{one}") for one in self.patients]

    def searches(self) -> list[Asked]:
        """Return a search for one kind of result of each patient."""
        query = "code=http://loinc.org%7C718-7&_sort=-date&_count=10"
        return [Asked(f"{self.base}/Observation?subject=Patient/{one}&{query}") for one in self.patients]

    def creates(self) -> list[Asked]:
        """Return a new result for each patient."""
        bodies = (write(_observation(one, 0)) for one in self.patients)
        return [Asked(f"{self.base}/Observation", "POST", body) for body in bodies]


def measure(quick: bool) -> Iterator[Result]:
    """Yield creates, reads and searches per second, and the latencies of many people."""
    patients, rounds, seconds = (20, 1, 2) if quick else (PATIENTS, 3, 5)
    with TemporaryDirectory(prefix="nnf", dir="/var/tmp") as folder, _ours(Path(folder), patients) as ours:
        with emr() as upstream, _theirs(upstream, patients) as theirs:
            for what in ("reads", "searches", "creates"):  # which make more to search
                pairs = Pairs()
                for number in range(rounds):
                    order = (ours, theirs) if number % 2 else (theirs, ours)
                    rates = {side: _rate(side, what, seconds) for side in order}
                    pairs.add(rates[ours], rates[theirs])
                note = "which keeps nothing and lets everybody in"
                yield pairs.row(f"FHIR: {what}, 4 connections", f"Medplum's router, {note}", "/s", None)
        for what, limit in LIMITS.items():
            asked = getattr(ours, what)()
            seen = ask(ours.origin, asked, ours.headers, connections=PEOPLE, seconds=4 * seconds, think=THINK)
            yield Row(
                what=f"FHIR: p95 of {what}, {PEOPLE} people at once, a doctor's rights",
                against=f"{limit:.0f} ms",
                ours=seen.p95,
                peer=limit,
                unit="ms",
                ratio=limit / seen.p95,
                target=1.0,
            )
            yield Detail(
                f"FHIR, {PEOPLE} people, about {THINK:.0f} s between two {what} of one: {seen.rate:.0f} a second,"
                f" p50 {seen.p50:.1f} ms, p95 {seen.p95:.1f} ms, p99 {seen.p99:.1f} ms, no error."
            )


def _rate(side: Side, what: str, seconds: int) -> float:
    return ask(side.origin, getattr(side, what)(), side.headers, connections=4, seconds=seconds).rate


@contextmanager
def _ours(data: Path, patients: int) -> Iterator[Side]:
    """Run the API as the platform does, with a doctor who sees all of these patients."""
    layout = Layout(data)
    for one in (layout.temporary, data / "api", data / "keys", data / "audit"):
        one.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    variables = {
        "NEURONOVA_DATA": str(data),
        "NEURONOVA_API_PORT": str(port),
        "NEURONOVA_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "NEURONOVA_LOG_LEVEL": "WARNING",
    }
    settings = read_settings(variables)
    service = open_service(settings)
    prepare(service, lambda _said: None)
    with service.work(BENCH) as work:
        hashed = service.passwords.hash(ADMIN_PASSWORD)
        doctor = people.add(work, username="doctor", role=Role.DOCTOR, password_hash=hashed, patient=None)
        for number in range(patients):
            grants.give(work, doctor, Patient(f"P{number}", "urn:bench"))
    service.database.close()
    command = commands(settings, layout, find_programs(), Path(sys.executable))["api"]
    process = subprocess.Popen(command, env=ambient() | variables)
    origin = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(f"{origin}/api/v1/health"), "the API answers")
        headers = {name: _bearer(origin, name) for name in ("admin", "doctor")}
        ids = _fill(f"{origin}/api/v1/fhir", headers["admin"], patients)
        yield Side(origin, "/api/v1/fhir", headers["doctor"], ids)
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def _theirs(address: str, patients: int) -> Iterator[Side]:
    headers = {"Content-Type": FHIR_JSON, "Accept": FHIR_JSON}
    yield Side(address.removesuffix("/fhir"), "/fhir", headers, _fill(address, headers, patients))


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code in (200, 503)
    except requests.RequestException:
        return False


def _bearer(origin: str, username: str) -> dict[str, str]:
    body = {"username": username, "password": ADMIN_PASSWORD}
    answer = requests.post(f"{origin}/api/v1/auth/login", json=body, timeout=10)
    answer.raise_for_status()
    return {"Content-Type": FHIR_JSON, "Accept": FHIR_JSON, "Authorization": f"Bearer {answer.json()['access_token']}"}


def _fill(base: str, headers: Mapping[str, str], patients: int) -> list[str]:
    """Store patients with their results; return the patients' ids."""
    ids = []
    with requests.Session() as session:
        for number in range(patients):
            identifier = [{"system": "urn:bench", "value": f"P{number}"}]
            name = [{"family": f"Kim{number}", "given": ["Min"]}]
            patient = {"resourceType": "Patient", "identifier": identifier, "name": name, "birthDate": "1970-01-01"}
            ids.append(_stored(session, f"{base}/Patient", headers, patient))
            for day in range(OBSERVATIONS):
                _stored(session, f"{base}/Observation", headers, _observation(ids[-1], day))
    return ids


def _stored(session: requests.Session, url: str, headers: Mapping[str, str], document: Mapping[str, object]) -> str:
    answer = session.post(url, data=write(document).encode(), headers=headers, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["id"])


def _observation(patient: str, day: int) -> dict[str, object]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [_HEMOGLOBIN]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": time.strftime("%Y-%m-%dT08:00:00Z", time.gmtime(1_750_000_000 + 86400 * day)),
        "valueQuantity": {"value": 13.5, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
    }
