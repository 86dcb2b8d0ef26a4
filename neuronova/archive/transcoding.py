"""An existing archive to HTJ2K: the platform's workers do it, this asks them and watches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from neuronova.archive.asking import Asking
from neuronova.archive.report import Outcome

PAGE = 1000
LOOK_EVERY = 0.5  # seconds


class Archive:
    """The running platform's Orthanc."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def count(self) -> int:
        """Return how many instances are stored."""
        return int(self._get("/statistics")["CountInstances"])

    def pages(self) -> Iterator[list[str]]:
        """Yield all instances, some at a time."""
        since = 0
        while page := self._get("/instances", since=since, limit=PAGE):
            yield page
            since += len(page)

    def encode(self, instances: list[str], *, retry_failed: bool) -> int:
        """Ask for the HTJ2K of `instances`; return how many had none."""
        body = {"instances": instances, "retry_failed": retry_failed}
        return int(self._asking.json("POST", "/neuronova/encode", json=body)["noted"])

    def backlog(self) -> int:
        """Return how many instances wait."""
        return int(self._get("/neuronova/health")["backlog"])

    def outcomes(self) -> list[Outcome]:
        """Return what became of all instances, by status and reason."""
        return [Outcome(**row) for row in self._get("/neuronova/health")["outcomes"]]

    def _get(self, path: str, **query: int) -> Any:
        return self._asking.json("GET", path, params=query)


def transcode_all(archive: Archive, *, retry_failed: bool) -> list[Outcome]:
    """Have everything encoded, showing how far it is; return what became of all instances.

    Raises:
        PlatformError: the platform does not run, or stopped meanwhile; what it did stays done.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        looking = progress.add_task("Looking through the archive", total=archive.count())
        for page in archive.pages():
            archive.encode(page, retry_failed=retry_failed)
            progress.advance(looking, len(page))
        backlog = total = archive.backlog()
        encoding = progress.add_task("Encoding", total=total)
        while backlog > 0:
            total = max(total, backlog)  # a modality may be sending
            progress.update(encoding, total=total, completed=total - backlog)
            time.sleep(LOOK_EVERY)
            backlog = archive.backlog()
        progress.update(encoding, completed=total, total=total)
    return archive.outcomes()
