"""Moments of a series on its way, each held for the length of a block by freezing what would go on."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

from tests.kills.ward import Case
from tests.patience import PATIENCE
from tests.server import until

Stage = Callable[[Case], AbstractContextManager[None]]


@contextmanager
def arriving(case: Case) -> Iterator[None]:
    """Half of the images are stored; the modality sends all of them again afterwards."""
    case.ward.send(case.images[: len(case.images) // 2])
    yield
    case.ward.send(case.images)


@contextmanager
def not_judged(case: Case) -> Iterator[None]:
    """All images are stored, and the time in which the series has to be quiet is not over."""
    case.ward.send(case.images)
    assert not case.jobs()
    yield


@contextmanager
def not_told(case: Case) -> Iterator[None]:
    """The rules have said what is to be done, and the API cannot be told."""
    with case.ward.frozen("api"):
        case.ward.send(case.images)
        until(case.is_to_be_told, f"{case.name} is to be told")
        yield


@contextmanager
def queued(case: Case) -> Iterator[None]:
    """There is a job, and nobody has asked for it."""
    with case.ward.frozen("worker"):
        case.ward.send(case.images)
        case.until_state("queued")
        yield


@contextmanager
def running(case: Case) -> Iterator[None]:
    """The model is at work."""
    case.ward.held.touch()
    try:
        case.ward.send(case.images)
        until(lambda: [one["started_at"] for one in case.jobs()][-1:] not in ([], [None]), f"{case.name} runs")
        yield
    finally:
        case.ward.held.unlink()


@contextmanager
def not_stored(case: Case) -> Iterator[None]:
    """The result was fetched, and Orthanc does not take anything."""
    with running(case):
        freezing = case.ward.frozen("orthanc")
        freezing.__enter__()
    try:
        until(lambda: case.mask().is_file(), f"the mask of {case.name}")
        assert case.results() == []
        yield
    finally:
        freezing.__exit__(None, None, None)


@contextmanager
def not_recorded(case: Case) -> Iterator[None]:
    """The objects are in Orthanc, and nothing can be written in the record."""
    with closing(sqlite3.connect(case.ward.data / "api/neuronova.db", timeout=PATIENCE, isolation_level=None)) as db:
        with running(case):
            pass
        while True:
            db.execute("BEGIN IMMEDIATE")
            if case.results():
                break
            db.execute("ROLLBACK")
            time.sleep(0.005)  # the others want to write, too
        assert case.results()[0]["published_at"] is None
        until(lambda: len(case.stored()) == len(case.images) + 3, f"the objects of {case.name}")
        yield
        db.execute("ROLLBACK")


STAGES: dict[str, tuple[Stage, tuple[str, ...]]] = {
    "arriving": (arriving, ("orthanc", "everything")),
    "not-judged": (not_judged, ("orthanc", "everything")),
    "not-told": (not_told, ("orthanc", "api", "everything")),
    "queued": (queued, ("worker", "api", "inference", "everything")),
    "running": (running, ("orthanc", "worker", "inference", "everything")),
    "not-stored": (not_stored, ("orthanc", "worker", "inference", "everything")),
    "not-recorded": (not_recorded, ("orthanc", "worker", "everything")),
}
