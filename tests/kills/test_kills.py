"""kill -9 of each part at each stage, and of everything at once: each job ends once in effect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.kills.stages import STAGES
from tests.kills.ward import Case, Ward, started

pytestmark = pytest.mark.timeout(150)


@pytest.fixture(scope="module")
def ward() -> Iterator[Ward]:
    with TemporaryDirectory(prefix="nn") as folder, started(Path(folder)) as ward:
        yield ward


@pytest.mark.parametrize(("stage", "part"), [(stage, part) for stage, (_, parts) in STAGES.items() for part in parts])
def test_a_job_ends_once_whatever_is_killed_whenever(ward: Ward, stage: str, part: str) -> None:
    case = Case(ward, f"{stage} {part}")
    held, _ = STAGES[stage]
    with held(case):
        ward.kill(part)
    case.assert_ended_once()
