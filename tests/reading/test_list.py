"""The reading list: what waits, in which order, for whom."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from sqlalchemy import event

from cdss_api.prefetch.models import Prefetch, Prior, PriorState, State
from neuronova.contract.audit import Action
from neuronova.contract.issuer import system_of
from neuronova.contract.roles import Role
from tests.accounts.api import KIM, json_of
from tests.fhir.asking import Fhir, patient
from tests.reading.asking import rows, save, studies
from tests.reading.examinations import examined, order, person, study, uid


@pytest.fixture
def waiting(fhir: Fhir) -> Fhir:
    """Three studies that came one minute after the other, and one without an order."""
    for number, priority, modality in ((1, "routine", "CT"), (2, "stat", "MR"), (3, "stat", "CT")):
        examined(fhir, number, modality, priority=priority)
        fhir.api.clock.time += 60
    fhir.create(study(4, fhir.create(person(4)), modality="CR", description="흉부 X선"))
    return fhir


def test_the_most_pressing_comes_first_and_of_those_the_one_that_waits_longest(waiting: Fhir) -> None:
    found = rows(waiting)
    assert [row["study"] for row in found] == [uid(number) for number in (2, 3, 1, 4)]
    first = found[0]
    assert first["priority"] == "stat"
    assert first["modalities"] == ["MR"]
    assert first["description"] == "Head"
    assert first["progress"] == "in-progress"
    assert first["report"] == ""
    assert first["patient"] == {
        "name": "Hong Gildong / 홍길동",
        "patient_id": "P-2",
        "issuer": "",
        "birth_date": "1980-02-03",
        "sex": "male",
    }
    assert first["orders"][0]["indication"] == "Headache"
    assert found[0]["came"] < found[1]["came"]
    assert found[-1]["orders"] == []


FILTERS = [
    ("modality", "?modality=CT", (3, 1)),
    ("priority", "?priority=stat", (2, 3)),
    ("routine", "?priority=routine", (1, 4)),
    ("korean-description", f"?text={quote('흉부')}", (4,)),
    ("korean-name", f"?text={quote('길동')}", (2, 3, 1, 4)),
    ("both-words", f"?text={quote('HONG p-3')}", (3,)),
    ("nothing", "?text=nobody", ()),
    ("progress", "?progress=reported", ()),
    ("mine", "?mine=true", ()),
    ("page", "?limit=2&offset=1", (3, 1)),
]


@pytest.mark.parametrize(("query", "expected"), [row[1:] for row in FILTERS], ids=[row[0] for row in FILTERS])
def test_filters(waiting: Fhir, query: str, expected: tuple[int, ...]) -> None:
    assert studies(waiting, query) == [uid(number) for number in expected]


def test_since_looks_at_when_the_study_came(waiting: Fhir) -> None:
    came = rows(waiting)[1]["came"]
    assert studies(waiting, f"?since={quote(came)}") == [uid(3), uid(4)]


def test_a_draft_stays_a_preliminary_is_reported_and_a_signed_one_leaves(waiting: Fhir) -> None:
    assert save(waiting, uid(1), "draft").status_code == 200
    assert studies(waiting, "?mine=true") == [uid(1)]
    assert studies(waiting, "?mine=true", Role.ADMIN) == []
    assert save(waiting, uid(1), "preliminary", 1).status_code == 200
    assert studies(waiting, "?progress=reported") == [uid(1)]
    assert save(waiting, uid(1), "final", 2).status_code == 200
    assert studies(waiting) == [uid(2), uid(3), uid(4)]


def test_a_signed_report_of_another_system_counts_for_the_order_s_studies(waiting: Fhir) -> None:
    [row] = rows(waiting, "?text=P-2")
    body = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "MR"},
        "subject": {"reference": f"Patient/{waiting.found('/Patient?identifier=P-2')[0]}"},
        "basedOn": [{"reference": f"ServiceRequest/{row['orders'][0]['id']}"}],
    }
    waiting.create(body)
    assert uid(2) not in studies(waiting)


def test_deleted_and_cancelled_studies_do_not_wait(waiting: Fhir) -> None:
    whom = waiting.found("/Patient?identifier=P-1")[0]
    waiting.create(study(5, whom, status="cancelled"))
    gone = waiting.create(study(6, whom))
    assert uid(6) in studies(waiting)
    waiting.ask("DELETE", f"/ImagingStudy/{gone}")
    assert {uid(5), uid(6)}.isdisjoint(studies(waiting))


def test_others_see_their_own_patients_only(waiting: Fhir) -> None:
    whose = patient(KIM.patient_id, id="kim")
    whose["identifier"][0]["system"] = KIM.issuer
    waiting.ask("PUT", "/Patient/kim", whose)
    foreign = waiting.create(order(waiting.found("/Patient?identifier=P-1")[0], priority="stat"))
    waiting.create(study(7, "kim", (foreign,)))
    waiting.account(Role.DOCTOR)
    assert studies(waiting, role=Role.DOCTOR) == []
    [row] = rows(waiting, role=Role.PATIENT)
    assert row["study"] == uid(7)
    assert row["orders"] == []  # another patient's
    assert len(studies(waiting, role=Role.TECHNOLOGIST)) == 5


def test_the_search_is_recorded(waiting: Fhir) -> None:
    before = len(waiting.events())
    studies(waiting)
    assert [(one.action, one.subject) for one in waiting.events()[before:]] == [
        (Action.QUERY, waiting.account(Role.RADIOLOGIST))
    ]


def test_a_longer_list_takes_no_more_queries(waiting: Fhir) -> None:
    engine, counted = waiting.api.service.database.engine, []

    def count(*_arguments: object) -> None:
        counted.append(1)

    def queries() -> int:
        counted.clear()
        event.listen(engine, "before_cursor_execute", count)
        studies(waiting)
        event.remove(engine, "before_cursor_execute", count)
        return len(counted)

    studies(waiting)  # the login has its own
    few = queries()
    for number in range(10, 40):
        examined(waiting, number)
    assert queries() == few


def test_what_is_written_later_is_found_by_its_new_words(waiting: Fhir) -> None:
    [row] = rows(waiting, "?text=P-2")
    whom = waiting.found("/Patient?identifier=P-2")[0]
    waiting.ask("PUT", f"/Patient/{whom}", person(2, name=[{"family": "Müller"}]) | {"id": whom})
    assert studies(waiting, "?text=muller") == [row["study"]]
    assert row["study"] not in studies(waiting, f"?text={quote('길동')}")
    assert studies(waiting, "?text=100%25") == studies(waiting, "?text=mu_ler") == []


def test_a_word_is_not_found_in_an_order_that_may_not_be_seen(waiting: Fhir) -> None:
    whose = patient(KIM.patient_id, id="kim")
    whose["identifier"][0]["system"] = system_of(KIM.issuer)
    waiting.ask("PUT", "/Patient/kim", whose)
    foreign = waiting.create(order(waiting.found("/Patient?identifier=P-1")[0], code={"text": "Biopsy"}))
    waiting.create(study(7, "kim", (foreign,)))
    assert studies(waiting, "?text=biopsy", Role.PATIENT) == []
    assert studies(waiting, "?text=head", Role.PATIENT) == [uid(7)]
    assert studies(waiting, "?text=biopsy") == [uid(7)]


def test_a_page_behind_the_end_still_says_how_many_there_are(waiting: Fhir) -> None:
    answer = waiting.api.client.get("/api/v1/reading?offset=400", headers=waiting.header(Role.RADIOLOGIST))
    assert (json_of(answer)["studies"], json_of(answer)["total"]) == ([], 4)


def test_a_prior_is_on_the_list_only_while_an_order_of_ours_is_open_for_it(fhir: Fhir) -> None:
    made = examined(fhir, 1)
    fhir.create(study(2, made["patient"]))
    asked = {"rule": "ct", "archive": "OLDPACS", "patient_id": "P-1", "issuer": "", "asked": "", "state": State.DONE}
    told = {"date": "20240102", "description": "", "modalities": "CT", "state": PriorState.FETCHED, "as_prior": True}
    with fhir.api.service.database.writing() as session:
        session.add(fetched := Prefetch(order_id="another", run=1, created_at=0.0, **asked))
        session.flush()
        session.add_all(Prior(prefetch=fetched.number, study=uid(number), **told) for number in (1, 2))
    assert studies(fhir) == [uid(1)]
    placed = json_of(fhir.ask("GET", f"/ServiceRequest/{made['order']}"))
    fhir.ask("PUT", f"/ServiceRequest/{made['order']}", placed | {"status": "completed"})
    assert studies(fhir) == []
