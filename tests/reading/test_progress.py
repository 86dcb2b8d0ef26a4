"""How far an examination is, by table."""

from __future__ import annotations

from typing import Any

import pytest

from cdss_api.reading.progress import Progress, progress_of

ACTIVE: dict[str, Any] = {"status": "active"}
PLANNED = ACTIVE | {"occurrenceDateTime": "2027-01-15"}
STORED = {"studies": ["available"]}
CASES: list[tuple[str, dict[str, Any] | None, dict[str, list[str]], Progress]] = [
    ("order", ACTIVE, {}, Progress.REQUESTED),
    ("day-named", PLANNED, {}, Progress.SCHEDULED),
    ("booked", ACTIVE, {"appointments": ["booked"]}, Progress.SCHEDULED),
    ("proposed", ACTIVE, {"appointments": ["proposed"]}, Progress.REQUESTED),
    ("appointment-cancelled", ACTIVE, {"appointments": ["cancelled"]}, Progress.REQUESTED),
    ("task-ready", ACTIVE, {"tasks": ["ready"]}, Progress.SCHEDULED),
    ("appointment-arrived", PLANNED, {"appointments": ["arrived"]}, Progress.ARRIVED),
    ("task-begun", PLANNED, {"tasks": ["in-progress"]}, Progress.ARRIVED),
    ("not-done", PLANNED, {"tasks": ["cancelled"]}, Progress.SCHEDULED),
    ("not-done-before", PLANNED, {"tasks": ["cancelled", "in-progress"]}, Progress.ARRIVED),
    ("task-done", PLANNED, {"tasks": ["completed"]}, Progress.IN_PROGRESS),
    ("order-completed", {"status": "completed"}, {}, Progress.IN_PROGRESS),
    ("stored", PLANNED, STORED, Progress.IN_PROGRESS),
    ("stored-without-order", None, STORED, Progress.IN_PROGRESS),
    ("study-cancelled", PLANNED, {"studies": ["cancelled"]}, Progress.SCHEDULED),
    ("draft", PLANNED, STORED | {"reports": ["partial"]}, Progress.IN_PROGRESS),
    ("preliminary", PLANNED, STORED | {"reports": ["preliminary"]}, Progress.REPORTED),
    ("final", PLANNED, STORED | {"reports": ["final"]}, Progress.SIGNED),
    ("amended", PLANNED, STORED | {"reports": ["amended", "preliminary"]}, Progress.SIGNED),
    ("corrected", PLANNED, {"reports": ["corrected"]}, Progress.SIGNED),
    ("report-withdrawn", PLANNED, STORED | {"reports": ["entered-in-error"]}, Progress.IN_PROGRESS),
    ("revoked", {"status": "revoked"}, {"tasks": ["in-progress"]}, Progress.CANCELLED),
    ("revoked-with-images", {"status": "revoked"}, STORED, Progress.IN_PROGRESS),
    ("nothing", None, {}, Progress.CANCELLED),
]


@pytest.mark.parametrize(("order", "around", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_the_latest_thing_known_says_how_far_it_is(
    order: dict[str, Any] | None, around: dict[str, list[str]], expected: Progress
) -> None:
    given = {name: [{"status": one} for one in statuses] for name, statuses in around.items()}
    assert progress_of(order, **given) is expected
