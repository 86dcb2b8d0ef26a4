"""Events of these tests: Hong's study with one series, as the plugin tells it."""

from __future__ import annotations

from itertools import count
from typing import Any

from neuronova.contract.studies import Series, StudyChanged, StudyDeleted

_numbers = count(1)


def a_series(uid: str = "1.2.3.1", **more: Any) -> Series:
    known: dict[str, Any] = {
        "modality": "CT",
        "number": "1",
        "description": "Axial",
        "body_part": "HEAD",
        "instances": 2,
    }
    return Series(uid=uid, **(known | more))


def a_study(**more: Any) -> StudyChanged:
    """Return an event with the next number."""
    known: dict[str, Any] = {
        "writer": "tests",
        "sequence": next(_numbers),
        "orthanc": "a-b-c-d-e",
        "study": "1.2.3",
        "patient_id": "P-100",
        "issuer": "HOSPITAL",
        "patient_name": "Hong^Gildong",
        "birth_date": "19800203",
        "sex": "M",
        "accession_number": "ACC-1",
        "description": "CT 뇌",
        "date": "20260401",
        "time": "093000",
        "series": (a_series(),),
    }
    return StudyChanged(**(known | more))


def a_deletion(**more: Any) -> StudyDeleted:
    known: dict[str, Any] = {"study": "1.2.3", "patient_id": "P-100", "issuer": "HOSPITAL"}
    return StudyDeleted(writer="tests", sequence=next(_numbers), **(known | more))
