"""What the record says after events and orders, in whichever order they come, on both databases."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from cdss_api.fhir.validation import check
from cdss_api.worklist.mapping import study_uid
from neuronova.contract.issuer import issuer_of, system_of
from neuronova.contract.roles import Role
from neuronova.contract.studies import MOST_EVENTS, Event, from_json, to_json
from tests.fhir.asking import Fhir
from tests.imaging.studies import a_deletion, a_series, a_study
from tests.worklist.orders import order, patient, typed

ORDER = [{"reference": "ServiceRequest/order-1"}]


def tell(fhir: Fhir, *events: Event) -> dict[str, int]:
    answer = post(fhir, to_json(events))
    assert answer.status_code == 200, answer.text
    told: dict[str, int] = answer.get_json(force=True)
    return told


def post(fhir: Fhir, body: Any) -> TestResponse:
    return fhir.api.client.post("/api/v1/internal/events", json=body, headers=fhir.api.internal())


def put(fhir: Fhir, *resources: dict[str, Any], role: Role = Role.ADMIN) -> None:
    for one in resources:
        answer = fhir.ask("PUT", f"/{one['resourceType']}/{one['id']}", one, role=role)
        assert answer.status_code in (200, 201), answer.text


def studies(fhir: Fhir) -> list[dict[str, Any]]:
    return [one["resource"] for one in fhir.entries("/ImagingStudy")]


def held(fhir: Fhir, role: Role = Role.ADMIN) -> list[dict[str, Any]]:
    answer = fhir.api.client.get("/api/v1/imaging/mismatches", headers=fhir.header(role))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json(force=True)["mismatches"]
    return found


def test_a_study_of_nobody_known_makes_its_patient_once(fhir: Fhir) -> None:
    assert tell(fhir, a_study(), a_study(study="1.2.9")) == {"taken": 2, "refused": 0}
    (made,) = [one["resource"] for one in fhir.entries("/Patient")]
    assert made["identifier"] == [{"system": "urn:neuronova:issuer:HOSPITAL", "value": "P-100"}]
    assert {one["subject"]["reference"] for one in studies(fhir)} == {f"Patient/{made['id']}"}
    for one in (made, *studies(fhir), fhir.bundle("/Endpoint/dicomweb")):
        check(one)


WRITTEN = {"encoded": "urn:neuronova:issuer:HOSPITAL%20A", "as-before": "HOSPITAL-A"}


@pytest.mark.parametrize("system", WRITTEN.values(), ids=WRITTEN)
def test_an_issuer_that_is_no_uri_is_the_patient_s_however_it_is_written(fhir: Fhir, system: str) -> None:
    issuer = issuer_of(system)
    put(fhir, patient(identifier=[{"system": system, "value": "P-100"}]), order())
    tell(fhir, a_study(issuer=issuer))
    assert [one["basedOn"] for one in studies(fhir)] == [ORDER]
    for asked in (issuer, system_of(issuer)):
        assert fhir.found(f"/Patient?identifier={quote(asked, safe='')}|P-100") == ["hong"]
    assert fhir.found("/Patient?identifier=HOSPITAL|P-100") == []


def test_what_says_the_same_makes_no_version_and_what_grows_does(fhir: Fhir) -> None:
    tell(fhir, a_study(), a_study(), a_study())
    assert [one["meta"]["versionId"] for one in studies(fhir)] == ["1"]
    tell(fhir, a_study(series=(a_series(instances=5),)))
    assert [(one["meta"]["versionId"], one["numberOfInstances"]) for one in studies(fhir)] == [("2", 5)]
    assert fhir.bundle("/Endpoint/dicomweb")["meta"]["versionId"] == "1"


def test_an_event_that_comes_twice_or_late_changes_nothing(fhir: Fhir) -> None:
    early, late = a_study(), a_study(series=(a_series(instances=5),))
    tell(fhir, late)
    tell(fhir, early, late)
    assert [one["numberOfInstances"] for one in studies(fhir)] == [5]
    gone = a_deletion()
    tell(fhir, gone)
    tell(fhir, late, gone)
    assert studies(fhir) == []
    tell(fhir, a_study())
    assert [one["numberOfInstances"] for one in studies(fhir)] == [2]


def test_what_somebody_else_wrote_into_it_stays(fhir: Fhir) -> None:
    tell(fhir, a_study())
    (study,) = studies(fhir)
    put(fhir, study | {"note": [{"text": "seen"}]})
    tell(fhir, a_study(series=(a_series(instances=5),)))
    assert [(one["note"][0]["text"], one["numberOfInstances"]) for one in studies(fhir)] == [("seen", 5)]


def test_an_order_before_or_after_its_study(fhir: Fhir) -> None:
    put(fhir, patient())
    tell(fhir, a_study())
    assert "basedOn" not in studies(fhir)[0]
    put(fhir, order(), role=Role.ADMIN)
    assert studies(fhir)[0]["basedOn"] == ORDER
    put(fhir, order(identifier=[typed("ACSN", "ACC-2")]))
    assert "basedOn" not in studies(fhir)[0]
    put(fhir, order())
    assert studies(fhir)[0]["basedOn"] == ORDER
    put(fhir, order(status="entered-in-error"))
    assert "basedOn" not in studies(fhir)[0]
    assert held(fhir) == []


def test_a_study_uid_of_the_worklist_is_enough(fhir: Fhir) -> None:
    put(fhir, patient(), order(identifier=[{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}]))
    tell(fhir, a_study(accession_number=""))
    assert studies(fhir)[0]["basedOn"] == ORDER


def test_the_study_uid_that_an_order_gives_by_itself_is_known(fhir: Fhir) -> None:
    put(fhir, patient(), order(identifier=[typed("ACSN", "ACC-7")]))
    tell(fhir, a_study(accession_number="", study=study_uid(order(identifier=[]))))
    assert studies(fhir)[0]["basedOn"] == ORDER


@pytest.mark.parametrize("first", ["order", "study"])
def test_another_patient_is_held_whichever_comes_first(fhir: Fhir, first: str) -> None:
    put(fhir, patient())
    if first == "order":
        put(fhir, order())
    tell(fhir, a_study(patient_id="P-999", patient_name="Kim"))
    if first == "study":
        put(fhir, order())
    (mismatch,) = held(fhir, Role.TECHNOLOGIST)
    assert (mismatch["order"], mismatch["reason"]) == ("order-1", "accession-of-another-patient")
    assert [one["field"] for one in mismatch["differences"]][:2] == ["PatientID", "PatientName"]
    (study,) = studies(fhir)
    assert "basedOn" not in study
    assert study["subject"]["reference"] != "Patient/hong"
    tell(fhir, a_study(patient_id="P-999", patient_name="Kim^A"))
    assert [(one["id"], one["sent"]["PatientName"]) for one in held(fhir)] == [(mismatch["id"], "Kim^A")]
    tell(fhir, a_deletion(patient_id="P-999"))
    assert held(fhir) == []


def test_a_mismatch_ends_when_the_order_is_corrected(fhir: Fhir) -> None:
    put(fhir, patient(), patient(id="kim", identifier=[{"system": "HOSPITAL", "value": "P-999"}]), order())
    tell(fhir, a_study(patient_id="P-999"))
    assert len(held(fhir)) == 1
    put(fhir, order(subject={"reference": "Patient/kim"}))
    assert held(fhir) == []
    assert studies(fhir)[0]["basedOn"] == ORDER


def test_a_decision_that_cannot_be_taken_is_told(fhir: Fhir) -> None:
    put(fhir, patient(), order())
    tell(fhir, a_study(patient_id="P-999"))
    path = f"/api/v1/imaging/mismatches/{held(fhir)[0]['id']}"

    def decide(decision: str, at: str = path) -> int:
        header = fhir.header(Role.TECHNOLOGIST)
        return fhir.api.client.post(at, json={"decision": decision}, headers=header).status_code

    assert decide("undo") == 409
    assert decide("correct") == 202  # the worker does it, and none runs here
    assert held(fhir)[0]["state"] == "correcting"
    assert decide("keep") == 409
    assert decide("burn") == 422
    assert decide("keep", f"/api/v1/imaging/mismatches/{'0' * 32}") == 404


def test_a_patient_id_of_two_patients_names_none(fhir: Fhir) -> None:
    put(fhir, patient(), patient(id="twin"))
    tell(fhir, a_study(accession_number=""))
    assert studies(fhir)[0]["subject"] == {"identifier": {"system": "urn:neuronova:issuer:HOSPITAL", "value": "P-100"}}


def test_no_patient_id_is_nobodys(fhir: Fhir) -> None:
    tell(fhir, a_study(patient_id="", issuer=""))
    assert studies(fhir)[0]["subject"] == {"display": "No PatientID"}
    assert fhir.found("/Patient") == []


GOOD = to_json([a_study()])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"format": 2, "events": []},
        {"format": 1, "events": [{}]},
        {"format": 1, "events": [{"kind": "other"}]},
        {"format": 1, "events": [GOOD["events"][0] | {"study": "1" * 300}]},
        {"format": 1, "events": [GOOD["events"][0] | {"sequence": "1"}]},
        {"format": 1, "events": [GOOD["events"][0] | {"series": [{}]}]},
        {"format": 1, "events": GOOD["events"] * (MOST_EVENTS + 1)},
    ],
    ids=["empty", "format", "event", "kind", "long", "number", "series", "many"],
)
def test_odd_events_are_refused(fhir: Fhir, body: dict[str, Any]) -> None:
    assert post(fhir, body).status_code == 422
    assert fhir.api.client.post("/api/v1/internal/events", json=body).status_code == 403


def test_events_are_read_as_they_were_written() -> None:
    events = (a_study(), a_deletion())
    assert from_json(to_json(events)) == events
