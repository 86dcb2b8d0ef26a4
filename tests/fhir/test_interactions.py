"""Create, read, update, patch, delete, and their versions."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from neuronova.contract.roles import Role
from tests.fhir.asking import Fhir, issue_of, patient


def test_a_resource_is_kept_as_it_came(fhir: Fhir) -> None:
    text = '{"resourceType":"Observation","status":"final","code":{"text":"나이"},"valueQuantity":{"value":13.20}}'
    answer = fhir.ask("POST", "/Observation", text)
    assert answer.status_code == 201
    made = answer.get_json(force=True)
    assert answer.headers["Location"].endswith(f"/Observation/{made['id']}/_history/1")
    assert answer.headers["ETag"] == 'W/"1"'
    assert made["meta"] == {"versionId": "1", "lastUpdated": "2027-01-15T08:00:00.000Z"}
    read = fhir.ask("GET", f"/Observation/{made['id']}")
    assert read.text == answer.text
    assert '"value":13.20' in read.text and "나이" in read.text


def test_an_id_of_one_s_own_is_created_by_updating(fhir: Fhir) -> None:
    assert fhir.ask("PUT", "/Patient/p.1-A", patient(id="p.1-A")).status_code == 201
    assert fhir.ask("PUT", "/Patient/p.1-A", patient(id="p.1-A")).status_code == 200
    assert fhir.ask("PUT", "/Patient/other", patient(id="p.1-A")).status_code == 400
    assert fhir.ask("PUT", "/Patient/a_b", patient(id="a_b")).status_code == 422


def test_an_update_of_another_version_is_refused(fhir: Fhir) -> None:
    id_ = fhir.create(patient())
    changed = patient(id=id_, gender="male")
    assert fhir.ask("PUT", f"/Patient/{id_}", changed, If_Match='W/"1"').headers["ETag"] == 'W/"2"'
    answer = fhir.ask("PUT", f"/Patient/{id_}", changed, If_Match='W/"1"')
    assert (answer.status_code, issue_of(answer), answer.headers["ETag"]) == (412, "conflict", 'W/"2"')
    assert fhir.ask("PUT", f"/Patient/{id_}", changed, If_Match="two").status_code == 400
    assert fhir.ask("DELETE", f"/Patient/{id_}", If_Match='W/"1"').status_code == 412
    assert fhir.ask("PUT", "/Patient/none", patient(id="none"), If_Match='W/"1"').status_code == 412


def test_each_version_can_be_read_and_is_in_the_history(fhir: Fhir) -> None:
    id_ = fhir.create(patient())
    fhir.ask("PUT", f"/Patient/{id_}", patient(id=id_, gender="male"))
    fhir.ask("DELETE", f"/Patient/{id_}")
    assert "gender" not in fhir.ask("GET", f"/Patient/{id_}/_history/1").get_json(force=True)
    assert fhir.ask("GET", f"/Patient/{id_}/_history/2").get_json(force=True)["gender"] == "male"
    assert fhir.ask("GET", f"/Patient/{id_}/_history/3").status_code == 410
    assert fhir.ask("GET", f"/Patient/{id_}/_history/4").status_code == 404
    told = fhir.bundle(f"/Patient/{id_}/_history")["entry"]
    assert [one["request"]["method"] for one in told] == ["DELETE", "PUT", "POST"]
    assert [one["response"]["etag"] for one in told] == ['W/"3"', 'W/"2"', 'W/"1"']
    assert "resource" not in told[0]
    bundle = fhir.bundle("/Patient/_history?_count=1")
    assert len(bundle["entry"]) == 1
    assert {link["relation"] for link in bundle["link"]} == {"self", "next"}
    times = [one["response"]["lastModified"] for one in told]
    assert times == sorted(times, reverse=True)
    assert len(fhir.bundle(f"/Patient/{id_}/_history?_since={times[0]}")["entry"]) == 1
    assert fhir.ask("GET", f"/Patient/{id_}/_history?_since=never").status_code == 400


def test_what_was_deleted_is_gone_and_can_come_back(fhir: Fhir) -> None:
    id_ = fhir.create(patient())
    assert fhir.ask("DELETE", f"/Patient/{id_}").status_code == 204
    assert fhir.ask("GET", f"/Patient/{id_}").status_code == 410
    assert fhir.found("/Patient") == []
    assert fhir.ask("DELETE", f"/Patient/{id_}").status_code == 204
    assert fhir.ask("DELETE", "/Patient/none").status_code == 204
    assert fhir.ask("PUT", f"/Patient/{id_}", patient(id=id_)).status_code == 201
    assert fhir.found("/Patient") == [id_]


def test_a_conditional_create_makes_one(fhir: Fhir) -> None:
    first = fhir.ask("POST", "/Patient", patient("P7"), If_None_Exist="identifier=P7")
    second = fhir.ask("POST", "/Patient", patient("P7"), If_None_Exist="identifier=P7")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.get_json(force=True)["id"] == second.get_json(force=True)["id"]
    fhir.create(patient("P7"))
    answer = fhir.ask("POST", "/Patient", patient("P7"), If_None_Exist="identifier=P7")
    assert (answer.status_code, issue_of(answer)) == (412, "multiple-matches")
    for odd in ("colour=blue", "_count=1"):
        assert fhir.ask("POST", "/Patient", patient("P7"), If_None_Exist=odd).status_code in (400, 412)


def test_conditional_creates_at_the_same_time_make_one(fhir: Fhir) -> None:
    fhir.header(Role.ADMIN)

    def create(_: int) -> int:
        return fhir.ask("POST", "/Patient", patient("P7"), If_None_Exist="identifier=P7").status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(create, range(16)))
    assert statuses == [200] * 15 + [201]


def test_a_conditional_update_finds_its_resource(fhir: Fhir) -> None:
    assert fhir.ask("PUT", "/Patient?identifier=P7", patient("P7")).status_code == 201
    answer = fhir.ask("PUT", "/Patient?identifier=P7", patient("P7", gender="male"))
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"2"')
    assert fhir.ask("PUT", "/Patient?identifier=P7", patient("P7", id="other")).status_code == 400
    assert fhir.ask("PUT", "/Patient", patient("P7")).status_code == 412
    assert fhir.ask("DELETE", "/Patient?identifier=P7").status_code == 204
    assert fhir.found("/Patient") == []


def test_a_patch_changes_what_it_names(fhir: Fhir) -> None:
    id_ = fhir.create(patient(gender="male"))
    kind = "application/json-patch+json"
    patch = [{"op": "test", "path": "/gender", "value": "male"}, {"op": "replace", "path": "/gender", "value": "other"}]
    answer = fhir.ask("PATCH", f"/Patient/{id_}", json.dumps(patch), Content_Type=kind)
    assert (answer.status_code, answer.get_json(force=True)["gender"]) == (200, "other")
    assert fhir.ask("PATCH", f"/Patient/{id_}", json.dumps(patch), Content_Type=kind).status_code == 422
    for odd, status in (
        ("{}", 400),
        ("[1]", 400),
        ('[{"op":"jump","path":"/gender"}]', 400),
        ('[{"op":"remove","path":"/nothing"}]', 422),
        ('[{"op":"replace","path":"","value":3}]', 422),
        ('[{"op":"replace","path":"/id","value":"x"}]', 422),
    ):
        assert fhir.ask("PATCH", f"/Patient/{id_}", odd, Content_Type=kind).status_code == status, odd
    assert fhir.ask("PATCH", f"/Patient/{id_}", json.dumps(patch)).status_code == 415
    assert fhir.ask("GET", f"/Patient/{id_}").headers["ETag"] == 'W/"2"'


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/Patient", "{", 400),
        ("POST", "/Patient", "[]", 400),
        ("POST", "/Patient", '{"resourceType":"Observation"}', 400),
        ("POST", "/Patient", '{"resourceType":"Patient","name":[]}', 422),
        ("POST", "/Patient", '{"resourceType":"Patient","gender":null}', 422),
        ("POST", "/Spaceship", '{"resourceType":"Spaceship"}', 404),
        ("GET", "/Spaceship", None, 404),
        ("GET", "/Patient/none", None, 404),
        ("GET", "/Patient?_format=xml", None, 406),
        ("GET", "/Patient/a/b/c", None, 404),
        ("DELETE", "/Patient", None, 412),
    ],
)
def test_an_error_is_an_outcome(fhir: Fhir, method: str, path: str, body: str | None, status: int) -> None:
    answer = fhir.ask(method, path, body)
    assert answer.status_code == status, answer.text
    issue_of(answer)


def test_who_knows_the_version_is_not_sent_it_again(fhir: Fhir) -> None:
    id_ = fhir.create(patient())
    assert fhir.ask("GET", f"/Patient/{id_}", If_None_Match='W/"1"').status_code == 304
    assert fhir.ask("POST", "/Patient", patient(), Prefer="return=minimal").data == b""
