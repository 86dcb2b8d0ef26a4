"""Merges as these tests ask for them."""

from __future__ import annotations

from typing import Any

from tests.fhir.asking import Fhir

Json = dict[str, Any]


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
