"""A short load of a few people while memory is sampled: everybody is answered, and everything is measured."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from proof.hospital import hospital
from proof.load.archive import filled
from proof.load.crowd import crowd
from proof.load.targets import FIRST_IMAGE, FRAME, LOGIN, METADATA, ORDER, SEARCH, SIMPLE, table, targets
from proof.parts import MODELS, PARTS
from proof.soak.memory import growths
from proof.soak.sampling import sampling

SECONDS = 15


@pytest.mark.timeout(400)
def test_a_load_is_answered_and_measured() -> None:
    with TemporaryDirectory(prefix="nn") as name:
        folder = Path(name)
        with hospital(folder / "data", radiologists=4) as place:
            filled(place, 3, folder)
            with sampling(place.platform.pids, every=1.0) as samples:
                morning = crowd(place, folder, 4, SECONDS)
    found = morning.requests
    asked = {what: found[what].requests for what in (LOGIN, SEARCH, METADATA, FRAME, FIRST_IMAGE, SIMPLE, ORDER)}
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
