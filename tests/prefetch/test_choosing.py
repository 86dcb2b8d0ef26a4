"""Which studies are an order's priors, which are doubtful, and what an archive's failures mean."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cdss_api.outbox.verdicts import Verdict
from cdss_api.prefetch.choosing import choose, is_old
from cdss_api.prefetch.fetching import study_found
from cdss_api.prefetch.identity import doubts, is_alike, is_same
from cdss_api.prefetch.verdicts import of_failure
from neuronova.contract.prefetch.rules import ComesAs, PrefetchRule
from tests.prefetch.telling import order, told

TODAY = date(2026, 3, 1)
RULE = PrefetchRule(name="all", archive="OLD", most=2, comes_as=ComesAs.PRIOR)


def test_the_newest_are_chosen_and_the_doubtful_take_nobodys_place() -> None:
    studies = [
        told("1.1", date="20200101"),
        told("1.2", date="20250101"),
        told("1.3", date="20260101", patient_name="Lee^Jiwon", birth_date="19990909"),
        told("1.4", date="20240101"),
        told("1.5", date=""),
    ]
    chosen = choose(RULE, order(), studies, TODAY)
    assert [(one.found.study, bool(one.doubts)) for one in chosen] == [("1.2", False), ("1.4", False), ("1.3", True)]


@pytest.mark.parametrize(
    "other",
    [told("1.2.3"), told("1.1", patient_id="P-1001"), told("1.1", patient_id="p-100")],
    ids=["its-own-study", "wildcard", "other-case"],
)
def test_what_is_no_prior_is_not_even_doubtful(other: Any) -> None:
    assert choose(RULE, order(), [other], TODAY) == []


@pytest.mark.parametrize(
    ("issuer", "told_issuer", "default", "doubtful"),
    [
        ("CLINIC", "", "HOSPITAL", True),
        ("CLINIC", "CLINIC", "HOSPITAL", False),
        ("HOSPITAL", "", "HOSPITAL", False),
        ("CLINIC", "", "", False),
        ("", "", "HOSPITAL", False),
    ],
)
def test_a_number_without_an_issuer_is_of_the_archives_own(
    issuer: str, told_issuer: str, default: str, doubtful: bool
) -> None:
    (chosen,) = choose(RULE, order(issuer=issuer), [told("1.1", issuer=told_issuer)], TODAY, default)
    assert chosen.doubts == (["IssuerOfPatientID"] if doubtful else [])


@pytest.mark.parametrize(
    ("study_date", "old"), [("20260226", True), ("20260227", False), ("20260301", False), ("", False)]
)
def test_what_is_young_may_be_new_work(study_date: str, old: bool) -> None:
    assert is_old(study_date, TODAY) is old


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ({}, []),
        ({"issuer": "HOSPITAL"}, []),
        ({"issuer": "CLINIC"}, ["IssuerOfPatientID"]),
        ({"birth_date": "19800302"}, ["PatientBirthDate"]),
        ({"sex": "F"}, ["PatientSex"]),
        ({"sex": "O"}, []),
        ({"patient_name": "Lee^Jiwon", "birth_date": "19990909"}, ["PatientBirthDate", "PatientName"]),
        ({"patient_name": "Lee^Jiwon"}, ["PatientName"]),
        ({"patient_name": "HONG GIL DONG"}, []),
        ({"patient_name": "홍길동"}, []),
        ({"patient_name": "홍^길동"}, []),
        ({"patient_name": ""}, []),
        ({"patient_name": "", "birth_date": ""}, ["nothing but PatientID is known on both sides"]),
        ({"birth_date": ""}, []),
        ({"birth_date": "", "patient_name": "Hong^Nari"}, ["PatientName, without both birth dates"]),
    ],
)
def test_when_a_study_is_doubtful(found: dict[str, Any], why: list[str]) -> None:
    assert doubts(order(), told("1.1", **found)) == why


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Kim^Minsu", "KIM^MINSU^^Dr", True),
        ("Müller^Eva", "Muller-Schmidt^Eva", True),
        ("Kim^Minsu", "Lee^Jiwon", False),
        ("Kim^Minsu", "김^민수", None),
        ("Kim^Minsu==김^민수", "김^민수", True),
        ("", "Kim", None),
        ("12", "12", None),
    ],
)
def test_when_names_are_alike(one: str, other: str, alike: bool | None) -> None:
    assert is_alike(one, other) is alike
    assert is_alike(other, one) is alike


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Kim^Minsu", "KIM^MINSU^^Dr", True),
        ("Hong^Gildong", "HONG GIL DONG", True),
        ("홍^길동", "홍길동", True),
        ("홍길동", "홍길동", True),
        ("Kim^Minsu", "Kim^Jiwon", False),
        ("Kim", "Kim^Minsu", False),
        ("Kim", "Kim", False),
        ("김", "김", False),
        ("Kim^Minsu", "김^민수", False),
    ],
)
def test_when_names_are_the_same(one: str, other: str, same: bool) -> None:
    assert is_same(one, other) is same
    assert is_same(other, one) is same


MOVE = 'C-MOVE SCU to AET "OLD" has failed with DIMSE status 0x{}'
FIND = 'C-FIND SCU to AET "OLD" has failed with DIMSE status 0x{} (unable to process)'


@pytest.mark.parametrize(
    ("details", "verdict", "said"),
    [
        ("TCP Initialization Error: Connection refused", Verdict.TARGET_DOWN, "Connection refused"),
        ("", Verdict.TARGET_DOWN, "the association ended"),
        (MOVE.format("A702"), Verdict.TARGET_DOWN, "C-MOVE with status 0xA702"),
        (MOVE.format("A801"), Verdict.PERMANENT, "it does not know our AE title"),
        (MOVE.format("0124"), Verdict.PERMANENT, "we may not"),
        (FIND.format("A900"), Verdict.PERMANENT, "C-FIND with status 0xA900"),
        (FIND.format("C000"), Verdict.TRANSIENT, "C-FIND with status 0xC000"),
    ],
)
def test_what_a_failure_means(details: str, verdict: Verdict, said: str) -> None:
    outcome = of_failure(details)
    assert outcome.verdict is verdict
    assert said in (outcome.detail or "")


def test_odd_answers_are_read_as_far_as_they_go() -> None:
    found = study_found(
        {
            "StudyInstanceUID": "1.2.3\0",
            "StudyDate": "2024.01.02",
            "ModalitiesInStudy": "CT\\SR ",
            "NumberOfStudyRelatedInstances": "many",
            "PatientID": "P-1 ",
            "PatientSex": "m",
        }
    )
    assert found == told(
        "1.2.3",
        date="",
        modalities=("CT", "SR"),
        images=None,
        patient_id="P-1",
        patient_name="",
        birth_date="",
    )
    assert study_found({"StudyInstanceUID": "none"}) is None
