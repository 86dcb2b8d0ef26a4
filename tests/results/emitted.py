"""What is written of results in the record."""

from __future__ import annotations

from typing import Any

from cdss_api.fhir.document import Document
from cdss_api.results.resources import Standing, Told, device_of, resources_of
from tests.reading.examinations import study, uid
from tests.results.making import LIMITS, MODEL, images, result

MADE, JUDGED = "2027-01-15T09:00:00.000Z", "2027-01-15T10:00:00.000Z"


def told(standing: Standing, **more: Any) -> Told:
    judged = standing in (Standing.ACCEPTED, Standing.REJECTED)
    known: dict[str, Any] = {
        "job_key": f"{'0' * 26}{standing.value[:4]}",
        "result": result(images()),
        "study": study(1, "hong") | {"id": "images"},
        "series": f"{uid(1)}.1",
        "made": MADE,
        "standing": standing,
        "judge": "kim" if judged else None,
        "judged": None if standing is Standing.OPEN else JUDGED,
        "reason": "출혈이 아니라 석회화" if standing is Standing.REJECTED else "",
    }
    return Told(**(known | more))


def results() -> list[Document]:
    """Return all resources, of a result in each standing."""
    return [device_of(MODEL, LIMITS), *(one for standing in Standing for one in unique(standing))]


def unique(standing: Standing) -> list[Document]:
    """Return a standing's resources with ids that no other type's has: the referee knows them by that."""
    return [
        one | {"id": f"{one['id']}-p"} if one["resourceType"] == "Provenance" else one
        for one in resources_of(told(standing))
    ]
