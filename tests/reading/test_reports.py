"""Reports: drafts, versions, signing, amending, and two people at one report."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from cdss_api.outbox.models import Message, Stream
from neuronova.contract.audit import Action
from neuronova.contract.roles import Role
from tests.accounts.api import code_of, json_of
from tests.fhir.asking import Fhir, issue_of
from tests.reading.asking import TEXT, get, save
from tests.reading.examinations import examined, study, uid

HAEMORRHAGE = {"system": "http://snomed.info/sct", "code": "1386000", "display": "Intracranial hemorrhage"}
KEY = {"series": f"{uid(1)}.1", "instance": f"{uid(1)}.1.1", "frame": 3, "comment": "here"}


@pytest.fixture
def ids(fhir: Fhir) -> dict[str, str]:
    return examined(fhir, 1)


def queued(fhir: Fhir) -> list[dict[str, Any]]:
    with fhir.api.service.database.reading() as session:
        rows = session.execute(select(Message.payload, Message.kind, Stream.target, Stream.aggregate).join(Stream))
        return [json.loads(payload) | {"of": f"{target} {kind} {whose}"} for payload, kind, target, whose in rows]


def test_a_new_report_has_templates_codes_and_who_it_is_about(fhir: Fhir, ids: dict[str, str]) -> None:
    answer = json_of(get(fhir, ids["uid"]))
    assert answer["report"] is None
    assert answer["may_write"]
    assert answer["patient"]["patient_id"] == "P-1"
    assert [one["name"] for one in answer["templates"]][:2] == ["ct-head-en", "ct-head-ko"]
    assert "Indication: Headache" in answer["templates"][0]["text"]
    assert "2027-01-15" in answer["templates"][0]["text"]
    assert {one["name"] for one in answer["templates"]}.isdisjoint({"mr-brain-en", "cr-chest-en"})
    assert HAEMORRHAGE in answer["codes"]


def test_from_draft_to_amendment(fhir: Fhir, ids: dict[str, str]) -> None:
    first = save(fhir, ids["uid"], "draft")
    assert first.headers["ETag"] == 'W/"1"'
    assert json_of(first)["status"] == "partial"
    assert save(fhir, ids["uid"], "preliminary", 1).status_code == 200
    signed = save(fhir, ids["uid"], "final", 2, codes=[HAEMORRHAGE], key_images=[KEY])
    assert signed.status_code == 200, signed.text
    for status in ("draft", "preliminary", "final"):
        assert code_of(save(fhir, ids["uid"], status, 3)) == "report_signed"
    amended = save(fhir, ids["uid"], "amended", 3, role=Role.ADMIN, conclusion="A small haemorrhage.")
    assert amended.status_code == 200
    shown = json_of(get(fhir, f"{ids['uid']}/versions"))["versions"]
    assert [(one["version"], one["status"], one["author"]) for one in shown] == [
        (4, "amended", "Administrator"),
        (3, "final", "radiologist"),
        (2, "preliminary", "radiologist"),
        (1, "partial", "radiologist"),
    ]
    runs = json_of(get(fhir, f"{ids['uid']}/difference?before=3&after=4"))["runs"]
    assert "".join(run["text"] for run in runs if run["kind"] != "added") == TEXT
    assert "".join(run["text"] for run in runs if run["kind"] != "removed") == "A small haemorrhage."


def test_the_resource_says_what_was_written(fhir: Fhir, ids: dict[str, str]) -> None:
    made = json_of(save(fhir, ids["uid"], "final", codes=[HAEMORRHAGE], key_images=[KEY]))
    report = fhir.ask("GET", f"/DiagnosticReport/{made['id']}").get_json(force=True)
    assert report["conclusion"] == TEXT
    assert report["conclusionCode"] == [{"coding": [HAEMORRHAGE]}]
    assert report["subject"] == {"reference": f"Patient/{ids['patient']}"}
    assert report["basedOn"] == [{"reference": f"ServiceRequest/{ids['order']}"}]
    assert report["imagingStudy"] == [{"reference": f"ImagingStudy/{ids['study']}"}]
    assert report["contained"][0]["content"]["url"].endswith(f"/instances/{uid(1)}.1.1/frames/3")
    reader = report["resultsInterpreter"][0]["reference"]
    assert report["performer"] == [{"reference": reader}]
    practitioner = fhir.ask("GET", f"/{reader}").get_json(force=True)
    assert practitioner["identifier"] == [{"system": "urn:neuronova:account", "value": "radiologist"}]
    assert fhir.found("/Practitioner") == [practitioner["id"]]  # one, however often something is saved
    assert json_of(get(fhir, ids["uid"]))["report"]["key_images"] == [KEY]


def test_of_two_editors_the_second_is_told_and_loses_nothing(fhir: Fhir, ids: dict[str, str]) -> None:
    assert save(fhir, ids["uid"], "draft").status_code == 200
    unseen = save(fhir, ids["uid"], "draft", role=Role.ADMIN)
    assert (unseen.status_code, code_of(unseen)) == (428, "precondition_required")
    assert save(fhir, ids["uid"], "draft", 1, role=Role.ADMIN, conclusion="The admin's.").status_code == 200
    late = save(fhir, ids["uid"], "final", 1)
    assert (late.status_code, code_of(late)) == (412, "report_changed")
    assert "Administrator" in json_of(late)["detail"]
    assert late.headers["ETag"] == 'W/"2"'
    assert json_of(get(fhir, ids["uid"]))["report"]["conclusion"] == "The admin's."
    assert save(fhir, ids["uid"], "draft", 2).status_code == 200


REFUSED = [("amend-a-draft", "amended", 1, 409), ("no-version", "draft", 99, 412)]


@pytest.mark.parametrize(("status", "version", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_does_not_fit_is_refused(fhir: Fhir, ids: dict[str, str], status: str, version: int, code: int) -> None:
    save(fhir, ids["uid"], "draft")
    assert save(fhir, ids["uid"], status, version).status_code == code


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.NURSE, Role.TECHNOLOGIST, Role.PATIENT])
def test_only_radiologists_write_reports(fhir: Fhir, ids: dict[str, str], role: Role) -> None:
    assert code_of(save(fhir, ids["uid"], "draft", role=role)) == "forbidden"


def test_who_does_not_see_the_study_does_not_see_that_there_is_one(fhir: Fhir, ids: dict[str, str]) -> None:
    save(fhir, ids["uid"], "final")
    unseen, missing = (get(fhir, one, Role.DOCTOR) for one in (ids["uid"], uid(99)))
    assert unseen.status_code == missing.status_code == 404
    assert unseen.text == missing.text


def test_a_signature_is_sent_to_orthanc_with_the_transaction_that_made_it(fhir: Fhir, ids: dict[str, str]) -> None:
    save(fhir, ids["uid"], "draft")
    assert queued(fhir) == []
    made = json_of(save(fhir, ids["uid"], "final", 1))
    save(fhir, ids["uid"], "amended", 2)
    whose = f"orthanc report DiagnosticReport/{made['id']}"
    assert queued(fhir) == [{"report": made["id"], "version": version, "of": whose} for version in (2, 3)]


def test_a_signed_report_is_not_changed_by_the_fhir_interface_either(fhir: Fhir, ids: dict[str, str]) -> None:
    made = json_of(save(fhir, ids["uid"], "final"))
    path = f"/DiagnosticReport/{made['id']}"
    report = fhir.ask("GET", path).get_json(force=True)
    for change in ({"status": "final"}, {"status": "partial"}, {"status": "amended", "identifier": []}):
        changed = {name: value for name, value in (report | change).items() if value != []}
        refused = fhir.ask("PUT", path, changed, role=Role.RADIOLOGIST)
        assert (refused.status_code, issue_of(refused)) == (409, "business-rule")
    assert fhir.ask("DELETE", path).status_code == 409
    assert fhir.ask("PUT", path, report | {"status": "amended"}, role=Role.RADIOLOGIST).status_code == 200
    assert len(queued(fhir)) == 2


def test_prior_reports_are_the_patient_s_own_and_not_drafts(fhir: Fhir, ids: dict[str, str]) -> None:
    other = examined(fhir, 2)
    for number in (3, 4):
        fhir.create(study(number, ids["patient"], started=f"2026-0{number}-01T08:00:00Z"))
    for one in (other["uid"], uid(3)):
        assert save(fhir, one, "final").status_code == 200
    save(fhir, uid(4), "draft")
    [prior] = json_of(get(fhir, ids["uid"]))["priors"]
    assert (prior["study"], prior["effective"], prior["conclusion"]) == (uid(3), "2026-03-01T08:00:00Z", TEXT)
    assert prior["readers"] == ["radiologist"]


def test_each_access_is_recorded_with_its_patient(fhir: Fhir, ids: dict[str, str]) -> None:
    before = len(fhir.events())
    save(fhir, ids["uid"], "draft")
    get(fhir, ids["uid"])
    assert [(one.action, one.patient_id) for one in fhir.events()[before:]] == [
        (Action.STORE, "P-1"),
        (Action.READ, "P-1"),
    ]


def test_what_cannot_be_recorded_is_not_saved(fhir: Fhir, ids: dict[str, str]) -> None:
    fhir.header(Role.RADIOLOGIST)
    fhir.break_journal()
    assert save(fhir, ids["uid"], "draft").status_code == 503
    fhir.mend_journal()
    assert json_of(get(fhir, ids["uid"]))["report"] is None
