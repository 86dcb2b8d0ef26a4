"""kill -9 of each part at each stage, and of everything at once: each job ends once in effect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.kills.stages import STAGES
from tests.kills.ward import Case, Ward, started


@pytest.fixture(scope="module")
def ward() -> Iterator[Ward]:
    with TemporaryDirectory(prefix="nn") as folder, started(Path(folder)) as ward:
        yield ward


# Each stage with everything killed, which is the hardest, and each part once while it is at work.
SHORT = {(stage, "everything") for stage in STAGES} | {
    ("not-judged", "orthanc"),
    ("not-told", "api"),
    ("running", "inference"),
    ("not-recorded", "worker"),
}


def marks(stage: str, part: str) -> list[pytest.MarkDecorator]:
    return [] if (stage, part) in SHORT else [pytest.mark.long]


CASES = [pytest.param(stage, part, marks=marks(stage, part)) for stage, (_, parts) in STAGES.items() for part in parts]


@pytest.mark.parametrize(("stage", "part"), CASES)
def test_a_job_ends_once_whatever_is_killed_whenever(ward: Ward, stage: str, part: str) -> None:
    case = Case(ward, f"{stage} {part}")
    held, _ = STAGES[stage]
    with held(case):
        ward.kill(part)
    case.assert_ended_once()
