"""The audit trail: records on disk per second, and the time to verify a million of them."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from bench.report import Detail, Pairs, Result
from neuronova.audit.checkpoints import make_checkpoint
from neuronova.audit.journal import AuditJournal
from neuronova.audit.signing import signer_of
from neuronova.audit.tables import SCHEMA
from neuronova.audit.trail import Trail
from neuronova.audit.verify import verify
from neuronova.contract.audit import Action, Event, Outcome, event_bytes

ROUNDS = 7
THREADS = 16
RECORDS = 1_000_000
AT_ONCE = 5_000
_HASH = "0" * 64


def measure(quick: bool) -> Iterator[Result]:
    """Yield durable records per second by one thread and by many, and the verification of many records."""
    seconds = 0.5 if quick else 2.0
    for threads, target in ((1, None), (THREADS, 2.0)):
        pairs = Pairs()
        for number in range(3 if quick else ROUNDS):
            sides = (_ours, _one_commit_a_record)
            rates = {side: side(threads, seconds) for side in (sides if number % 2 else sides[::-1])}
            pairs.add(rates[_ours], rates[_one_commit_a_record])
        writers = "1 thread" if threads == 1 else f"{threads} threads"
        against = "the same tables, one commit a record"
        yield pairs.row(f"audit records on disk, {writers}", against, "/s", target)
    yield _verification(RECORDS // 20 if quick else RECORDS)


def _ours(threads: int, seconds: float) -> float:
    with _folder() as folder, closing(AuditJournal(Path(folder) / "bench.db", "bench")) as journal:
        return _rate(lambda number: journal.append(_event(number)), threads, seconds)


def _one_commit_a_record(threads: int, seconds: float) -> float:
    """Write the same records to the same tables and indexes, as durably, but unchained and each in its own commit."""
    with _folder() as folder:
        file, lock = Path(folder) / "peer.db", threading.Lock()
        with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            for statement in SCHEMA:
                db.execute(statement)

            def append(number: int) -> None:
                stored = event_bytes(_event(number)).decode()
                with lock:
                    db.execute("INSERT INTO record (previous, hash, event) VALUES (?, ?, ?)", (_HASH, _HASH, stored))

            return _rate(append, threads, seconds)


def _rate(append: Callable[[int], object], threads: int, seconds: float) -> float:
    done = [0] * threads
    begin, end = threading.Barrier(threads + 1), threading.Event()

    def write(own: int) -> None:
        begin.wait()
        while not end.is_set():
            append(done[own])
            done[own] += 1

    running = [threading.Thread(target=write, args=(own,)) for own in range(threads)]
    for thread in running:
        thread.start()
    begin.wait()
    began = time.perf_counter()
    time.sleep(seconds)
    end.set()
    for thread in running:
        thread.join()
    return sum(done) / (time.perf_counter() - began)


def _verification(count: int) -> Detail:
    with _folder() as folder:
        trail = Trail(Path(folder))
        signer = signer_of(trail.keys)
        with closing(AuditJournal(trail.journal("bench"), "bench")) as journal:
            for first in range(0, count, AT_ONCE):
                journal.append(*map(_event, range(first, first + AT_ONCE)))
                if not first % (20 * AT_ONCE):
                    make_checkpoint(trail.journals(), trail.checkpoints, signer, _event(first).time)
        size = trail.journal("bench").stat().st_size
        began = time.perf_counter()
        report = verify(trail, signer.keys)
        took = time.perf_counter() - began
    (chain,) = report.chains
    if not report.sound or chain.verified != count:
        raise RuntimeError(f"{chain.verified} of {count} records hold")
    return Detail(
        f"Verifying {count:,} audit records against their checkpoints: {took:.1f} s ({count / took:,.0f} records/s,"
        f" {size / count:.0f} bytes each on disk with their indexes)."
    )


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir="/var/tmp")  # which lies on a disk, where /tmp may be memory


def _event(number: int) -> Event:
    return Event(
        time=1_800_000_000.0 + number / 10,
        action=Action.READ,
        outcome=Outcome.ALLOWED,
        reason="care-team",
        subject=f"0198c0de-0000-7000-8000-{number % 200:012}",
        role="doctor",
        token_id=f"0198c0de-0000-7000-9000-{number % 5000:012}",
        patient_id=f"P{number % 10_000:06}",
        study=f"1.2.826.0.1.3680043.8.498.{number % 20_000:030}",
        address=f"192.0.2.{number % 250}",
        route="GET /dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
    )
