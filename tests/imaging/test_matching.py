"""Which order a study is made for, and when it is held."""

from __future__ import annotations

from typing import Any

import pytest

from cdss_api.imaging.matching import Difference, Order, Reason, as_ordered, as_sent, differences, match
from tests.imaging.studies import a_study


def an_order(id_: str = "order-1", **more: Any) -> Order:
    known: dict[str, Any] = {
        "patient": "hong",
        "patient_id": "P-100",
        "issuer": "HOSPITAL",
        "patient_name": "Hong^Gildong",
        "birth_date": "19800203",
        "sex": "M",
        "accession_number": "ACC-1",
        "study_uid": "2.25.1",
        "description": "CT 뇌",
    }
    return Order(id=id_, **(known | more))


OF_KIM: dict[str, Any] = {"patient": "kim", "patient_id": "P-300"}
PLANNED: dict[str, Any] = {"study_uid": "1.2.3"}


@pytest.mark.parametrize(
    ("sent", "orders", "found", "reason"),
    [
        ({}, [], [], None),
        ({}, [an_order()], ["order-1"], None),
        ({}, [an_order(accession_number="ACC-2")], [], None),
        ({"accession_number": ""}, [an_order(accession_number="")], [], None),
        ({}, [an_order(**OF_KIM)], [], Reason.ACCESSION_OF_ANOTHER),
        ({}, [an_order("a", **OF_KIM), an_order("b")], ["b"], None),
        ({}, [an_order("a"), an_order("b")], ["a", "b"], None),
        ({"accession_number": ""}, [an_order(**PLANNED)], ["order-1"], None),
        ({}, [an_order(**PLANNED, accession_number="")], ["order-1"], None),
        ({}, [an_order(**PLANNED, **OF_KIM)], [], Reason.STUDY_OF_ANOTHER),
        ({}, [an_order("a"), an_order("b", **PLANNED, **OF_KIM)], [], Reason.STUDY_OF_ANOTHER),
        ({}, [an_order(**PLANNED, accession_number="ACC-2")], [], Reason.STUDY_OF_ANOTHER_ACCESSION),
        ({}, [an_order("b", **PLANNED), an_order("a")], ["b", "a"], None),
        ({"issuer": "ELSEWHERE"}, [an_order()], ["order-1"], None),
        ({"patient_id": "P-999"}, [an_order(patient="other")], [], Reason.ACCESSION_OF_ANOTHER),
        ({}, [an_order(patient="other")], ["order-1"], None),
    ],
    ids=[
        *("no-order", "accession", "another-accession", "no-accession", "another-patient", "shared-accession"),
        *("two-orders", "by-uid", "by-uid-without-accession", "uid-of-another", "uid-of-another-wins"),
        *("uid-of-another-accession", "uid-first", "another-identifier-of-the-patient", "nobody", "as-on-the-worklist"),
    ],
)
def test_match(sent: dict[str, Any], orders: list[Order], found: list[str], reason: Reason | None) -> None:
    verdict = match(a_study(**sent), ["hong"], orders)
    assert [one.id for one in verdict.orders] == found
    assert (verdict.conflict and verdict.conflict.reason) == reason


def test_differences() -> None:
    ordered, sent = as_ordered(an_order(**OF_KIM, **PLANNED)), as_sent(a_study(sex=""))
    assert differences(ordered, sent) == [Difference("PatientID", "P-300", "P-100"), Difference("PatientSex", "M", "")]
