"""Which trace the instances of a study come in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from neuronova.telemetry.spans import Span, export_to
from orthanc_plugins.access.identity import Identity
from orthanc_plugins.arrived import KEPT, PAUSE, ArrivalFile, Arriving
from orthanc_plugins.stored import orthanc_identifier


@dataclass
class Bench:
    """A plugin that takes instances in at a time of our choice."""

    path: Path
    told: list[Span] = field(default_factory=list)
    now: float = 1_000_000.0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.file = ArrivalFile(self.path)
        self.arriving = Arriving(self.file, lambda: self.now)

    def store(self, series: str, study: str = "1.2") -> Span:
        identity = Identity(patient_id="p", issuer=None, study=study, series=series)
        self.arriving.stored(identity, f"instance-{len(self.told)}", "CT1", self.now)
        return self.told[-1]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "arrivals.db")
    export_to(made.told.append)
    yield made
    export_to(None)


def test_a_study_is_one_trace_below_its_first_instance(bench: Bench) -> None:
    first, second, other = bench.store("1.2.1"), bench.store("1.2.1"), bench.store("1.2.2")
    assert first.parent is None
    assert (second.parent, other.parent) == (first.context, first.context)
    assert bench.store("1.3.1", "1.3").context.trace_id != first.context.trace_id
    study = orthanc_identifier("p", "1.2")
    for series in ("1.2.1", "1.2.2"):
        assert bench.file.of_series(orthanc_identifier("p", "1.2", series)) == first.context
    assert bench.file.of_study(study) == first.context
    assert bench.file.of_series("unknown") is None
    assert first.attributes["neuronova.study"] == study
    assert not any(word in str(value) for value in first.attributes.values() for word in ("1.2", "p|"))


def test_a_restart_goes_on_with_the_trace(bench: Bench) -> None:
    first = bench.store("1.2.1")
    bench.restart()
    assert bench.store("1.2.2").parent == first.context


@pytest.mark.parametrize("restarted", [False, True])
def test_what_comes_after_a_pause_is_another_trace(bench: Bench, *, restarted: bool) -> None:
    first = bench.store("1.2.1")
    bench.now += PAUSE + 1
    if restarted:
        bench.restart()
    later = bench.store("1.2.1")
    assert later.parent is None
    assert later.context.trace_id != first.context.trace_id
    assert bench.file.of_series(orthanc_identifier("p", "1.2", "1.2.1")) == later.context


def test_what_is_old_is_forgotten(bench: Bench) -> None:
    bench.store("1.2.1")
    bench.now += KEPT + 1
    bench.store("1.3.1", "1.3")
    assert bench.file.of_series(orthanc_identifier("p", "1.2", "1.2.1")) is None


def test_a_series_is_in_a_trace_where_nobody_is_told_of_spans(bench: Bench) -> None:
    export_to(None)
    identity = Identity(patient_id="p", issuer=None, study="1.2", series="1.2.1")
    bench.arriving.stored(identity, "instance", "CT1", bench.now)
    known = bench.file.of_series(orthanc_identifier("p", "1.2", "1.2.1"))
    assert known is not None and known == bench.file.of_study(orthanc_identifier("p", "1.2"))
    assert bench.told == []
