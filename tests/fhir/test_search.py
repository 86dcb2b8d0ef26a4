"""Searches: each row is a question and who it finds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir.asking import PATIENT_ID, Fhir, issue_of, patient

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def weight(of: str, value: str, day: str, **more: Any) -> str:
    """Return an observation's JSON, its decimal as written."""
    subject = f'{{"reference":"Patient/{of}"}}'
    code = f'{{"coding":[{{"system":"{LOINC}","code":"29463-7","display":"Body weight"}}],"text":"체중"}}'
    quantity = f'{{"value":{value},"unit":"kg","system":"{UCUM}","code":"kg"}}'
    return (
        f'{{"resourceType":"Observation","id":"{more["id"]}","status":"final","code":{code},"subject":{subject},'
        f'"effectiveDateTime":"{day}","valueQuantity":{quantity}}}'
    )


@pytest.fixture
def filled(fhir: Fhir) -> Fhir:
    """Three patients, two with observations."""
    people: list[tuple[str, dict[str, Any]]] = [
        ("hong", {"name": [{"family": "홍", "given": ["길동"]}], "birthDate": "1980-02-03", "gender": "male"}),
        ("muller", {"name": [{"family": "Müller", "given": ["Jörg", "A,B"]}], "birthDate": "1990", "gender": "female"}),
        ("nobody", {"active": True, "deceasedDateTime": "2020-05-06"}),
    ]
    for id_, more in people:
        assert fhir.ask("PUT", f"/Patient/{id_}", patient(id_.upper(), id=id_, **more)).status_code == 201
    for id_, of, value, day in (
        ("w1", "hong", "13.20", "2026-01-02T10:00:00+09:00"),
        ("w2", "hong", "80", "2026-03-01"),
        ("w3", "muller", "65.5", "2026"),
    ):
        assert fhir.ask("PUT", f"/Observation/{id_}", weight(of, value, day, id=id_)).status_code == 201
    return fhir


QUESTIONS: list[tuple[str, set[str]]] = [
    ("/Patient", {"hong", "muller", "nobody"}),
    ("/Patient?_id=hong,muller", {"hong", "muller"}),
    ("/Patient?name=홍", {"hong"}),
    ("/Patient?name=길", {"hong"}),
    ("/Patient?family=muller", {"muller"}),
    ("/Patient?family=MÜL", {"muller"}),
    ("/Patient?given:contains=ör", {"muller"}),
    ("/Patient?family:exact=Müller", {"muller"}),
    ("/Patient?family:exact=müller", set()),
    ("/Patient?given=a\\,b", {"muller"}),
    ("/Patient?given=jo,길동", {"hong", "muller"}),
    ("/Patient?family=홍&given=길동", {"hong"}),
    ("/Patient?family=홍&given=jo", set()),
    ("/Patient?family=%25", set()),
    ("/Patient?gender=male", {"hong"}),
    ("/Patient?gender:not=male", {"muller", "nobody"}),
    ("/Patient?gender:missing=true", {"nobody"}),
    ("/Patient?gender:missing=false", {"hong", "muller"}),
    (f"/Patient?identifier={PATIENT_ID}|HONG", {"hong"}),
    ("/Patient?identifier=HONG", {"hong"}),
    ("/Patient?identifier=hong", set()),
    ("/Patient?identifier=|HONG", set()),
    (f"/Patient?identifier={PATIENT_ID}|", {"hong", "muller", "nobody"}),
    ("/Patient?birthdate=1980", {"hong"}),
    ("/Patient?birthdate=1980-02", {"hong"}),
    ("/Patient?birthdate=ne1980-02-03", {"muller"}),
    ("/Patient?birthdate=1990-01-01", set()),
    ("/Patient?birthdate=lt1985", {"hong"}),
    ("/Patient?birthdate=ge1990", {"muller"}),
    ("/Patient?birthdate=gt1980-02-03", {"muller"}),
    ("/Patient?birthdate=sa1980-02-03", {"muller"}),
    ("/Patient?birthdate=eb1990", {"hong"}),
    ("/Patient?birthdate=ap1981", {"hong"}),
    ("/Patient?birthdate=ge1979&birthdate=lt1981", {"hong"}),
    ("/Patient?deceased=true", {"nobody"}),
    ("/Patient?death-date=2020-05", {"nobody"}),
    ("/Patient?_lastUpdated=gt2000", {"hong", "muller", "nobody"}),
    ("/Observation?patient=hong", {"w1", "w2"}),
    ("/Observation?patient=Patient/hong", {"w1", "w2"}),
    ("/Observation?subject=Patient/hong,Patient/muller", {"w1", "w2", "w3"}),
    ("/Observation?subject:Patient=muller", {"w3"}),
    ("/Observation?subject:Device=muller", set()),
    ("/Observation?patient.name=홍", {"w1", "w2"}),
    ("/Observation?subject:Patient.birthdate=1990", {"w3"}),
    ("/Observation?patient.identifier=HONG&date=ge2026-02", {"w2"}),
    ("/Observation?date=2026-01-02", {"w1"}),
    ("/Observation?date=2026", {"w1", "w2", "w3"}),
    ("/Observation?date=lt2026-01-02T01:00:00Z", {"w3"}),
    ("/Observation?code=29463-7", {"w1", "w2", "w3"}),
    (f"/Observation?code={LOINC}|29463-7&status=final", {"w1", "w2", "w3"}),
    ("/Observation?code:text=body", {"w1", "w2", "w3"}),
    ("/Observation?code:text=체중", {"w1", "w2", "w3"}),
    ("/Observation?value-quantity=13.2", {"w1"}),
    ("/Observation?value-quantity=13.20|" + UCUM + "|kg", {"w1"}),
    ("/Observation?value-quantity=13.20||kg", {"w1"}),
    ("/Observation?value-quantity=13.20||g", set()),
    ("/Observation?value-quantity=gt65", {"w2", "w3"}),
    ("/Observation?value-quantity=le65.5", {"w1", "w3"}),
    ("/Observation?value-quantity=ap70", {"w3"}),
    ("/Patient?_has:Observation:patient:value-quantity=gt70", {"hong"}),
    ("/Patient?_has:Observation:patient:code=nothing", set()),
]


def test_each_question_finds_its_resources(filled: Fhir) -> None:
    wrong = {}
    for question, expected in QUESTIONS:
        bundle = filled.bundle(question)
        found = {entry["resource"]["id"] for entry in bundle.get("entry", [])}
        if found != expected or bundle["total"] != len(expected):
            wrong[question] = (found, bundle["total"])
    assert wrong == {}


def test_a_page_leads_to_the_next_in_the_order_that_was_asked_for(filled: Fhir) -> None:
    seen: list[str] = []
    path = "/Patient?_sort=-birthdate&_count=1"
    while path:
        bundle = filled.bundle(path)
        seen += [entry["resource"]["id"] for entry in bundle.get("entry", [])]
        assert bundle["total"] == 3
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        path = following[0].partition("/api/v1/fhir")[2] if following else ""
    assert seen == ["muller", "hong", "nobody"]
    assert filled.found("/Patient?_sort=birthdate,_id") == ["hong", "muller", "nobody"]
    assert filled.found("/Patient?_sort=family") == ["muller", "hong", "nobody"]


def test_what_is_referred_to_comes_along_once(filled: Fhir) -> None:
    entries = filled.entries("/Observation?patient=hong&_include=Observation:patient&_include=Observation:subject")
    assert [one["resource"]["id"] for one in entries if one["search"]["mode"] == "include"] == ["hong"]
    entries = filled.entries("/Patient?_id=hong&_revinclude=Observation:patient")
    assert {one["resource"]["id"] for one in entries if one["search"]["mode"] == "include"} == {"w1", "w2"}
    assert filled.entries("/Observation?_id=w1&_include=Observation:subject:Device") == filled.entries(
        "/Observation?_id=w1"
    )


def test_only_the_number_can_be_asked_for(filled: Fhir) -> None:
    for path in ("/Patient?_summary=count", "/Patient?_count=0"):
        bundle = filled.bundle(path)
        assert (bundle["total"], "entry" in bundle) == (3, False)
    assert "total" not in filled.bundle("/Patient?_total=none")


def test_what_is_unknown_is_named_or_refused(filled: Fhir) -> None:
    bundle = filled.bundle("/Patient?colour=blue&gender=male")
    assert [one["search"]["mode"] for one in bundle["entry"]] == ["match", "outcome"]
    assert "colour" in bundle["entry"][1]["resource"]["issue"][0]["diagnostics"]
    assert "colour" not in bundle["link"][0]["url"]
    answer = filled.ask("GET", "/Patient?colour=blue", Prefer="handling=strict")
    assert (answer.status_code, issue_of(answer)) == (400, "not-supported")


@pytest.mark.parametrize(
    "path",
    [
        "/Patient?birthdate=yesterday",
        "/Patient?birthdate=2026-02-30",
        "/Patient?gender:contains=x",
        "/Patient?gender:missing=perhaps",
        "/Patient?name=",
        "/Patient?" + "&".join(["gender=male"] * 201),
        "/Patient?gender=" + ",".join(["male"] * 501),
        "/Patient?_count=many",
        "/Patient?_count=-1",
        "/Patient?_include=Patient:name",
        "/Patient?_include=Nonsense",
        "/Patient?_has:Observation:patient=1",
        "/Patient?name.family=x",
        "/Observation?subject.identifier=1",
        "/Observation?value-quantity=heavy",
        "/Observation?value-quantity=1e999",
        "/Observation?patient.general-practitioner:Organization.partof.partof.partof.partof.name=x",
    ],
)
def test_an_odd_question_is_refused(fhir: Fhir, path: str) -> None:
    answer = fhir.ask("GET", path)
    assert answer.status_code == 400, answer.text
    issue_of(answer)


def test_a_search_can_be_posted(filled: Fhir) -> None:
    answer = filled.ask(
        "POST", "/Patient/_search?gender=male", "family=%ED%99%8D", Content_Type="application/x-www-form-urlencoded"
    )
    assert [one["resource"]["id"] for one in answer.get_json(force=True)["entry"]] == ["hong"]


def test_a_changed_resource_is_found_by_what_it_now_says(filled: Fhir) -> None:
    filled.ask("PUT", "/Patient/hong", patient("HONG", id="hong", gender="other"))
    assert filled.found("/Patient?gender=male") == []
    assert filled.found("/Patient?gender=other") == ["hong"]
    filled.ask("DELETE", "/Observation/w1")
    assert filled.found("/Observation?patient=hong") == ["w2"]
