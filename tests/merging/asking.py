"""Merges as these tests ask for them."""

from __future__ import annotations

from typing import Any

from neuronova.contract.roles import Role
from tests.fhir.asking import Fhir

Json = dict[str, Any]
SOURCE, TARGET = "Patient/source", "Patient/target"
CODE = {"text": "CT"}


def parameters(source: str = "source", target: str = "target", **more: Any) -> Json:
    """Return the operation's Parameters for two ids of Patients."""
    listed: list[Json] = [
        {"name": "source-patient", "valueReference": {"reference": f"Patient/{source}"}},
        {"name": "target-patient", "valueReference": {"reference": f"Patient/{target}"}},
    ]
    if "preview" in more:
        listed.append({"name": "preview", "valueBoolean": more["preview"]})
    if "result" in more:
        listed.append({"name": "result-patient", "resource": more["result"]})
    return {"resourceType": "Parameters", "parameter": listed}


def a_patient(id_: str, number: str, **more: Any) -> Json:
    known = {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"system": "urn:oid:2.16.840.1", "value": number}],
    }
    return known | {"name": [{"family": "Hong", "given": ["Gildong"]}], "birthDate": "1980-02-03"} | more


def refers(kind: str, id_: str, whose: str = "source", **more: Any) -> Json:
    return {"resourceType": kind, "id": id_, "subject": {"reference": f"Patient/{whose}", "display": "X"}} | more


def put(fhir: Fhir, *documents: Json) -> None:
    for one in documents:
        answer = fhir.ask("PUT", f"/{one['resourceType']}/{one['id']}", one)
        assert answer.status_code in (200, 201), answer.text


def document(fhir: Fhir, address: str) -> Json:
    answer = fhir.ask("GET", f"/{address}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.get_json(force=True)
    return found


def content(fhir: Fhir, address: str) -> Json:
    """Return a resource without its version."""
    return {name: value for name, value in document(fhir, address).items() if name != "meta"}


def two_patients(fhir: Fhir) -> Fhir:
    """Write two Patients with a record each; the source has a signed report, and a care team with the doctor in it."""
    put(fhir, a_patient("source", "S-1", gender="male"), a_patient("target", "T-1", active=True))
    account = fhir.api.service.settings and fhir.account(Role.DOCTOR)
    assert account
    member = {"system": "urn:neuronova:account", "value": Role.DOCTOR.value}
    put(
        fhir,
        {"resourceType": "Practitioner", "id": "doctor", "identifier": [member]},
        refers("Condition", "c"),
        refers("ServiceRequest", "o", status="active", intent="order", code=CODE),
        refers("DiagnosticReport", "r", status="final", code=CODE),
        refers("CareTeam", "t", status="active", participant=[{"member": {"reference": "Practitioner/doctor"}}]),
        refers("Condition", "own", "target"),
    )
    return fhir


def merged(fhir: Fhir, **more: Any) -> str:
    """Merge the two; return the merge's id."""
    answer = fhir.ask("POST", "/Patient/$merge", parameters(**more))
    assert answer.status_code == 200, answer.text
    return answer.headers["Content-Location"].rpartition("/")[2]
