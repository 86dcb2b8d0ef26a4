"""Group commit: one commit for all who wait, and a failure for all whom it meets."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from neuronova.audit.group import Batch, Group
from tests.patience import PATIENCE


class Disk:
    """Commits slowly, so that others queue up meanwhile."""

    def __init__(self) -> None:
        self.commits: list[int] = []
        self.go_on = threading.Semaphore(0)
        self.fails: BaseException | None = None

    def commit(self, batches: Sequence[Batch]) -> None:
        assert self.go_on.acquire(timeout=PATIENCE)
        self.commits.append(len(batches))
        if self.fails is not None:
            raise self.fails
        for batch in batches:
            batch.first = len(self.commits)


def together(group: Group, disk: Disk, threads: int) -> list[Batch]:
    """Run `threads` batches of which all but the first come while that one is committed."""
    batches = [Batch([]) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        runs = [pool.submit(group.run, batch) for batch in batches]
        while len(group._queue) < threads - 1:
            pass
        disk.go_on.release(2)
        for run in runs:
            run.exception()
    return batches


def test_those_who_come_meanwhile_share_the_next_commit() -> None:
    disk = Disk()
    group = Group(disk.commit)
    for _ in range(3):
        disk.commits.clear()
        batches = together(group, disk, 8)
        assert disk.commits == [1, 7]
        assert sorted(batch.first or 0 for batch in batches) == [1] + [2] * 7


@pytest.mark.parametrize("failure", [OSError("full"), KeyboardInterrupt()])
def test_a_failed_commit_fails_all_of_it_and_nothing_after(failure: BaseException) -> None:
    disk = Disk()
    group = Group(disk.commit)
    disk.fails = failure
    batches = together(group, disk, 4)
    assert all(batch.first is None and batch.failure is not None for batch in batches)
    disk.fails = None
    assert all(batch.first for batch in together(group, disk, 4))
