"""One round of a few faults, and a judge that finds what is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from proof.chaos.examination import SLICES, Examination
from proof.chaos.faults import Surroundings
from proof.chaos.judging import Judge
from proof.chaos.report import Report
from proof.chaos.run import Plan, faulted, judged, surroundings
from tests.server import until

PLAN = Plan(
    seconds=0,
    pause=1.0,
    once=True,
    only=("kill -9 api", "EMR cut off", "disk full to the reserve"),
    radiologists=1,
    modalities=2,
    examine=2.0,
    shorter=3.0,
)
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Surroundings, Judge]]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    with TemporaryDirectory(prefix="nn") as folder, surroundings(Path(folder), PLAN) as made:
        yield made


def test_what_was_acknowledged_is_there_after_faults(place: tuple[Surroundings, Judge]) -> None:
    where, judge = place
    report = Report(recoveries=faulted(where, judge.ledger, PLAN))
    assert sorted(report.recoveries) == sorted(PLAN.only)
    judged(judge, report)
    assert report.holds, report.text()
    assert judge.ledger.whole
    assert judge.ledger.asked["read"]


def test_what_is_missing_is_found(place: tuple[Surroundings, Judge]) -> None:
    _, judge = place
    admin = judge.hospital.person("admin")
    until(lambda: not judge.waiting(), "all has arrived")
    (known,) = admin.told("GET", "/orthanc/studies?expand&since=0&limit=1")
    admin.ask("DELETE", f"/orthanc/studies/{known['ID']}").raise_for_status()
    never = Examination("never", 3)
    judge.ledger.ordered(never, "never")
    judge.ledger.stored(never, [str(one.SOPInstanceUID) for one in never.images()])
    judge.ledger.sent(never)
    missing = {count.what: len(count.missing) for count in judge.counts() if not count.holds}
    assert missing["images in Orthanc, equal to what was sent"] == 2 * SLICES
    assert missing["images as HTJ2K, equal pixel by pixel"] == 2 * SLICES
    for what in ("studies, in the audit trail as stored", "orders in the record", "ServiceRequest at the EMR"):
        assert missing[what] == 1
    for what in ("ImagingStudies, each of its order", "jobs that ended well"):
        assert missing[what] >= 1  # those of the study that was deleted may be gone as well
