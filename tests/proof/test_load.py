"""A short load of a few people while memory is sampled, and short harm: everybody is answered, nothing ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from proof.fuzz.run import WRONGLY, fuzzed
from proof.fuzz.run import table as harm_table
from proof.hospital import Hospital, hospital
from proof.load.archive import filled
from proof.load.crowd import crowd
from proof.load.targets import DONE, FIRST_IMAGE, FRAME, LOGIN, METADATA, ORDER, SEARCH, SIMPLE, table, targets
from proof.parts import MODELS, PARTS
from proof.soak.memory import growths
from proof.soak.sampling import sampling

SECONDS = 15


pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="nn") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Hospital]:
    with hospital(folder / "data", radiologists=4) as made:
        yield made


def test_a_load_is_answered_and_measured(place: Hospital, folder: Path) -> None:
    filled(place, 3, folder)
    with sampling(place.platform.pids, every=1.0) as samples:
        morning = crowd(place, folder, 4, SECONDS)
    found = morning.requests
    asked = {what: found[what].requests for what in (LOGIN, SEARCH, METADATA, FRAME, FIRST_IMAGE, SIMPLE, ORDER, DONE)}
    assert min(asked.values()) > 0, asked
    assert found["Aggregated"].failures == 0, (table(found), morning.failures)
    assert {one.measured for one in targets(found)}.isdisjoint({"0 ms", "0"})
    assert morning.modalities["association that stored"] > 0
    assert morning.modalities["association that did not"] == 0
    assert min(morning.processor[part] for part in ("orthanc", "api", "gateway")) > 0
    assert len(samples) >= SECONDS / 3
    grown = {one.part: one.begins for one in growths(samples)}
    assert sorted(grown) == sorted(set(PARTS) - {MODELS})
    assert min(grown.values()) > 0


@pytest.mark.filterwarnings("ignore:.* VR (UI|LT)")  # such values are the point
def test_harm_ends_nothing_and_loses_nothing(place: Hospital) -> None:
    found = fuzzed(place, SECONDS, seed=2)
    told = harm_table(found)
    assert found.holds, (found.ended, found.lost, told)
    assert sum(answers.total() for answers in found.answers.values()) >= 8, told
    assert sum(found.outcomes.values()) >= found.good > 0, told
    assert any(kind != WRONGLY and answers["taken"] < answers.total() for kind, answers in found.answers.items()), told
