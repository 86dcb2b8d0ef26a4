"""Recording accesses: the first of a minute at once, its result and the further ones after."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from neuronova.audit import access
from neuronova.audit.access import AccessRecorder
from neuronova.audit.files import JournalFailed
from neuronova.audit.journal import AuditJournal
from neuronova.contract.audit import Event, Outcome
from tests.audit.events import NOON, event, records

DENIED: dict[str, Any] = {"outcome": Outcome.DENIED, "reason": "not-found", "status": 404}


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[AuditJournal]:
    journal = AuditJournal(tmp_path / "orthanc.db", "orthanc")
    yield journal
    journal.close()


@pytest.fixture
def recorder(journal: AuditJournal, clock: Clock) -> AccessRecorder:
    return AccessRecorder(journal, clock)


def written(journal: AuditJournal) -> list[Event]:
    return [record.event for record in records(journal.path)]


def test_the_decision_is_written_at_once_and_its_result_after_the_minute(
    recorder: AccessRecorder, journal: AuditJournal, clock: Clock
) -> None:
    for status in (200, 200, 404):
        recorder.finish(recorder.begin(event()), status)
    assert written(journal) == [event()]
    recorder.tick()
    assert len(written(journal)) == 1
    clock.now += 60
    recorder.tick()
    recorder.tick()
    first, result = written(journal)
    assert (result.refers_to, result.count, result.status, result.detail) == (1, 2, 404, "200: 2, 404: 1")
    assert (result.outcome, result.time) == (Outcome.ALLOWED, NOON + 60)
    assert (result.subject, result.study, result.patient_id) == (first.subject, first.study, first.patient_id)


def test_the_counts_sum_up_to_the_accesses(recorder: AccessRecorder, journal: AuditJournal) -> None:
    for number in range(12):
        recorder.finish(recorder.begin(event(study=f"1.{number % 3}")), 200)
    recorder.begin(event(**DENIED))
    recorder.close()
    assert sum(one.count for one in written(journal)) == 13


@pytest.mark.parametrize(
    "difference",
    [
        {"subject": "other"},
        {"study": "1.9"},
        {"action": "store"},
        {"address": "192.0.2.8"},
        {"time": NOON + 60},
        DENIED,
    ],
)
def test_what_differs_is_a_record_of_its_own(
    recorder: AccessRecorder, journal: AuditJournal, difference: dict[str, Any]
) -> None:
    recorder.begin(event())
    recorder.begin(event(**difference))
    assert len(written(journal)) == 2


@pytest.mark.parametrize("alike", [{"route": "elsewhere"}, {"series": "1.5"}, {"time": NOON + 1}])
def test_other_frames_are_counted(recorder: AccessRecorder, journal: AuditJournal, alike: dict[str, Any]) -> None:
    recorder.begin(event())
    recorder.begin(event(**alike))
    assert len(written(journal)) == 1


def test_an_error_of_the_server_makes_the_result_a_failure(recorder: AccessRecorder, journal: AuditJournal) -> None:
    recorder.finish(recorder.begin(event()), 503)
    recorder.close()
    assert written(journal)[1].outcome == Outcome.FAILED


def test_what_takes_longer_than_its_minute_gets_its_result_later(
    recorder: AccessRecorder, journal: AuditJournal, clock: Clock
) -> None:
    slow, quick = recorder.begin(event()), recorder.begin(event())
    recorder.finish(quick, 200)
    clock.now += 60
    recorder.tick()
    assert written(journal)[-1].detail == "200: 1, unfinished: 1"
    recorder.finish(slow, 206)
    recorder.tick()
    recorder.tick()
    assert [(one.count, one.detail) for one in written(journal)[1:]] == [(1, "200: 1, unfinished: 1"), (0, "206: 1")]


def test_a_lone_denial_is_one_record(recorder: AccessRecorder, journal: AuditJournal) -> None:
    recorder.finish(recorder.begin(event(**DENIED)), 404)
    recorder.close()
    assert written(journal) == [event(**DENIED)]


def test_denials_are_merged_only_so_far(recorder: AccessRecorder, journal: AuditJournal) -> None:
    for _ in range(250):
        recorder.begin(event(**DENIED))
    recorder.close()
    assert [(one.count, one.refers_to) for one in written(journal)] == [
        *((1, None),) * 3,
        *((99, 1), (99, 2), (49, 3)),
    ]


def test_too_many_kinds_are_written_early(
    recorder: AccessRecorder, journal: AuditJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "KINDS", 5)
    for number in range(12):
        recorder.finish(recorder.begin(event(study=f"1.{number}")), 200)
    assert len(recorder._open) <= 5
    recorder.close()
    assert len(written(journal)) == 24


class Failing(AuditJournal):
    """A journal whose disk can be full, or slow."""

    full = False
    pace = 0.0

    def append(self, *events: Event) -> list[int]:
        time.sleep(self.pace)
        if self.full:
            raise JournalFailed("full")
        return super().append(*events)


def test_nobody_is_let_in_while_the_journal_fails(tmp_path: Path, clock: Clock) -> None:
    journal = Failing(tmp_path / "orthanc.db", "orthanc")
    recorder = AccessRecorder(journal, clock)
    recorder.finish(recorder.begin(event()), 200)
    journal.full = True
    with pytest.raises(JournalFailed):
        recorder.begin(event(study="1.9"))
    clock.now += 60
    with pytest.raises(JournalFailed):
        recorder.tick()
    journal.full = False
    recorder.begin(event(study="1.9"))
    recorder.tick()
    assert [one.study for one in written(journal)] == ["1.2.0", "1.9", "1.2.0"]
    journal.close()


@pytest.mark.parametrize("full", [False, True])
def test_those_who_come_together_wait_for_the_first(tmp_path: Path, clock: Clock, full: bool) -> None:
    journal = Failing(tmp_path / "orthanc.db", "orthanc")
    journal.pace, journal.full = 0.05, full
    recorder = AccessRecorder(journal, clock)
    together = threading.Barrier(8)

    def access(_: int) -> int:
        together.wait()
        try:
            recorder.finish(recorder.begin(event()), 200)
        except JournalFailed:
            return -1
        return len(written(journal))

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(access, range(8)))
    assert seen == [-1 if full else 1] * 8
    journal.full = False
    recorder.close()
    assert [one.count for one in written(journal)] == ([] if full else [1, 7])
    journal.close()


def test_a_thread_of_its_own_writes_results(
    recorder: AccessRecorder, journal: AuditJournal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "TICK", 0.01)
    recorder.start()
    recorder.finish(recorder.begin(event()), 200)
    clock.now += 60
    until = time.monotonic() + 10
    while len(written(journal)) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(written(journal)) == 2
    recorder.close()
