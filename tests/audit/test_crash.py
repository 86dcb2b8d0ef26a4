"""The audit journal where its process is killed or its disk is full."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.audit.events import records

WRITER = """
import sys, threading
from pathlib import Path
from neuronova.audit.journal import AuditJournal
from tests.audit.events import event
journal = AuditJournal(Path(sys.argv[1]), "orthanc")
lock = threading.Lock()
def write(thread):
    for number in range(10**6):
        (sequence,) = journal.append(event(number, subject=f"thread-{thread}"))
        with lock:
            sys.stdout.write(f"{sequence} {thread} {number}\\n")
            sys.stdout.flush()
for thread in range(4):
    threading.Thread(target=write, args=(thread,)).start()
"""
FULL = """
import resource, sys
from pathlib import Path
from neuronova.audit.files import JournalFailed
from neuronova.audit.journal import AuditJournal
from tests.audit.events import event
journal = AuditJournal(Path(sys.argv[1]), "orthanc")
written = journal.append(event(0))
largest = max(file.stat().st_size for file in journal.path.parent.iterdir())
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 4096, unlimited[1]))
failures = 0
for number in range(1, 400):
    try:
        written += journal.append(*(event(number) for _ in range(50)))
    except JournalFailed:
        failures += 1
        if failures == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        if failures > 3:
            raise
    if failures == 3 and number % 50 == 0:
        break
assert failures == 3, failures
print(written[-1], len(written))
"""


@pytest.mark.parametrize("seed", range(4))
def test_what_append_returned_survives_a_kill(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "orthanc.db"
    told: list[tuple[int, str, int]] = []
    for _ in range(2):
        told += _write_until_killed(path, random.Random(seed).uniform(0.0, 0.3))
    assert told
    found = records(path)
    assert [record.sequence for record in found] == list(range(1, len(found) + 1))
    assert all(after.previous == before.hash for before, after in itertools.pairwise(found))
    for sequence, subject, number in told:
        assert found[sequence - 1].event.subject == subject
        assert found[sequence - 1].event.study == f"1.2.{number}"


def _write_until_killed(path: Path, seconds: float) -> list[tuple[int, str, int]]:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    rest, _ = process.communicate()
    lines = [line.split() for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]
    return [(int(sequence), f"thread-{thread}", int(number)) for sequence, thread, number in lines]


def test_a_full_disk_raises_and_is_recovered_from(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(folder / "orthanc.db")], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    last, count = map(int, done.stdout.split())
    found = records(folder / "orthanc.db")
    assert last == len(found) == count
    assert all(after.previous == before.hash for before, after in itertools.pairwise(found))
