"""What a running model takes from storing: C-STORE with and without one on the same machine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from pydicom import Dataset

from bench.ai_service import orthanc_and_service
from bench.images import head_ct
from bench.ingest import storescu_rate
from bench.report import Detail, Pairs, Result
from tests.inference.service import Inference
from tests.inference.t1w import head_t1w
from tests.server import Server, until

SLICES = 140
TARGET = 0.8
_MODEL = "t1w-volumes"  # the one that wants both cores
_TRIES = 5
_numbers = count(1)


def beside_a_model(rounds: int) -> Iterator[Result]:
    """Yield the rate at which slices are stored while a model runs, against the rate while none does."""
    slices, series = head_ct(), head_t1w("beside")
    with orthanc_and_service() as (orthanc, service):
        orthanc.send(*series)
        storescu_rate(orthanc, slices, SLICES, 1)  # files, caches and the database are warm now
        pairs = Pairs()
        for _ in range(rounds):
            pairs.add(_with_model(orthanc, service, slices, series), _alone(orthanc, slices))
    yield pairs.row(
        "AI: C-STORE by storescu, 1 association, while t1w-volumes runs",
        "the same while no model runs",
        "instances/s",
        TARGET,
    )
    spread = ", ".join(f"{a / b:.2f}" for a, b in zip(pairs.ours, pairs.peer, strict=True))
    yield Detail(f"AI: C-STORE while a model runs: the ratios round by round are {spread}.")


def _alone(orthanc: Server, slices: list[Dataset]) -> float:
    until(lambda: orthanc.state()["backlog"] == 0, "our workers are done", 120)
    return storescu_rate(orthanc, slices, SLICES, 1)


def _with_model(orthanc: Server, service: Inference, slices: list[Dataset], series: list[Dataset]) -> float:
    """Return the rate of a run during all of which the model was at work."""
    until(lambda: orthanc.state()["backlog"] == 0, "our workers are done", 120)
    for _ in range(_TRIES):
        key = f"beside-{next(_numbers)}"
        service.ask(service.request(key, _MODEL, series)).raise_for_status()
        until(service.children, "the model's process", 60)
        rate = storescu_rate(orthanc, slices, SLICES, 1)
        worked = bool(service.children())
        service.stop(key)
        service.ended(key)
        if worked:
            return rate
    raise RuntimeError(f"the model ended too early {_TRIES} times")
