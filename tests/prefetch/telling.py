"""What an archive tells of a study, and an order that it may be a prior of."""

from __future__ import annotations

from typing import Any

from cdss_api.imaging.matching import Order
from neuronova.contract.prefetch.rules import StudyFound


def told(study: str, **more: Any) -> StudyFound:
    """Return a study of Hong's."""
    known: dict[str, Any] = {
        "study": study,
        "date": "20240102",
        "description": "",
        "modalities": (),
        "images": 2,
        "patient_id": "P-100",
        "issuer": "",
        "patient_name": "Hong^Gildong",
        "birth_date": "19800203",
        "sex": "M",
    }
    return StudyFound(**(known | more))


def order(**more: Any) -> Order:
    """Return an order for Hong."""
    known: dict[str, Any] = {
        "id": "order-1",
        "patient": "hong",
        "patient_id": "P-100",
        "issuer": "HOSPITAL",
        "patient_name": "Hong^Gildong=洪^吉洞=홍^길동",
        "birth_date": "19800203",
        "sex": "M",
        "accession_number": "ACC-1",
        "study_uid": "1.2.3",
        "description": "CT",
    }
    return Order(**(known | more))
