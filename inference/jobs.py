"""The jobs of this service: a bounded queue, and threads that run one child process each.

They are in memory: whoever asked asks again, under the same key, if the service was restarted meanwhile.
"""

from __future__ import annotations

import heapq
import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from inference.metrics import Metrics
from inference.modelling import Description
from inference.running import STOPPED, Child, Outcome, run_model
from neuronova.contract.inference import Job, Status
from neuronova.contract.priority import Priority
from neuronova.contract.trace import TraceContext
from neuronova.telemetry.current import about
from neuronova.telemetry.spans import span
from neuronova.web.problems import Problem

_LOG = logging.getLogger(__name__)
_KEPT = 64  # ended jobs, with their masks
_KEPT_SECONDS = 3600.0
# A step of priority is worth so much waiting: what waits long enough is overtaken no more.
_SECONDS_A_RANK = 60.0
_RETRY_AFTER = "5"

Run = Callable[[Path, Description, float, str, threading.Event, Child | None], Outcome]


@dataclass
class Entry:
    """A job and where its files are; `identity` is what a second request under its key must share.

    `parent` is the span that it was asked for by, `child` its model's process where that was made in advance.
    """

    job: Job
    folder: Path
    description: Description
    deadline: float
    identity: object
    inline: bool
    queued_at: float
    parent: TraceContext | None = None
    child: Child | None = None
    ended_at: float | None = None
    done: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """All jobs by key; every method may be called from any thread."""

    def __init__(self, folder: Path, *, queue_limit: int, metrics: Metrics, run: Run = run_model) -> None:
        self._folder = folder
        self._limit = queue_limit
        self._metrics = metrics
        self._run = run
        self._entries: dict[str, Entry] = {}
        self._queue: list[tuple[float, int, str]] = []
        self._count = 0
        self._condition = threading.Condition()
        # What a killed service left behind belongs to nobody.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)

    def start(self, runners: int) -> None:
        """Start the threads that run models; they end with the process."""
        for number in range(runners):
            threading.Thread(target=self._work, name=f"runner-{number}", daemon=True).start()

    def reserve(
        self,
        key: str,
        description: Description,
        identity: object,
        *,
        deadline: float,
        trace_id: str,
        inline: bool,
        parent: TraceContext | None = None,
    ) -> tuple[Entry, bool]:
        """Return the job of this key and whether it is new; a new one has a place, and waits for `enqueue` or `drop`.

        A job that failed and may be tried again is made anew.

        Raises:
            Problem: 409 where the key is another job's, 429 where the queue is full.
        """
        with self._condition:
            self._forget_old()
            known = self._entries.get(key)
            if known is not None and known.identity != identity:
                raise Problem(409, "job_key_taken", "Another job has this key.")
            if known is not None and known.job.status is not Status.FAILED_TRANSIENT:
                return known, False
            if sum(not one.job.status.ended for one in self._entries.values()) >= self._limit:
                raise Problem(429, "queue_full", "The queue is full; ask again later.", {"Retry-After": _RETRY_AFTER})
            if known is not None:
                self._remove(key)
            self._count += 1
            entry = Entry(
                job=Job(job_key=key, status=Status.QUEUED, trace_id=trace_id),
                folder=self._folder / f"{self._count:08}",
                description=description,
                deadline=min(deadline, description.deadline),
                identity=identity,
                inline=inline,
                queued_at=time.monotonic(),
                parent=parent,
            )
            entry.folder.mkdir(mode=0o700)
            self._entries[key] = entry
            return entry, True

    def load(self, entry: Entry) -> None:
        """Let a reserved job's model be loaded while its input is fetched, if it will run as soon as that is there."""
        with self._condition:
            alone = sum(not one.job.status.ended for one in self._entries.values()) == 1
        if alone:
            entry.child = Child(entry.folder, entry.description)

    def enqueue(self, entry: Entry, priority: Priority) -> None:
        """Let a reserved job run when it is its turn."""
        with self._condition:
            self._count += 1
            due = time.monotonic() + _SECONDS_A_RANK * priority.rank
            heapq.heappush(self._queue, (due, self._count, entry.job.job_key))
            self._metrics.queued.set(len(self._queue))
            self._condition.notify()

    def drop(self, entry: Entry) -> None:
        """Give back the place of a reserved job whose input could not be had."""
        if entry.child is not None:
            entry.child.end()
        with self._condition:
            self._remove(entry.job.job_key)

    def find(self, key: str) -> Entry:
        """Return the job of this key.

        Raises:
            Problem: there is none (404).
        """
        with self._condition:
            entry = self._entries.get(key)
        if entry is None:
            raise Problem(404, "unknown_job", "There is no such job; it may be asked for again.")
        return entry

    def stop(self, key: str) -> None:
        """Let a job end where it is, which may be asked for again then; its model is killed.

        Raises:
            Problem: there is none (404).
        """
        self.find(key).stopped.set()

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._queue:
                    self._condition.wait()
                _, _, key = heapq.heappop(self._queue)
                entry = self._entries[key]
                entry.job = Job(job_key=key, status=Status.RUNNING, trace_id=entry.job.trace_id)
                self._metrics.queued.set(len(self._queue))
            trace_id, model = entry.job.trace_id, entry.description.model.id
            with about(job=key), span("model", parent=entry.parent, trace_id=trace_id, model=model) as running:
                outcome = self._outcome(entry)
                running.add(status=outcome.status.value, reason=outcome.reason or None)
                if outcome.status in (Status.FAILED_TRANSIENT, Status.FAILED_PERMANENT):
                    running.fail(outcome.reason or outcome.status.value)
                self._finish(entry, outcome)

    def _outcome(self, entry: Entry) -> Outcome:
        if entry.stopped.is_set():
            if entry.child is not None:
                entry.child.end()
            return STOPPED
        mask_path = f"/api/v1/inference/{entry.job.job_key}/mask"
        began = time.monotonic()
        try:
            with self._metrics.running.track_inprogress():
                return self._run(entry.folder, entry.description, entry.deadline, mask_path, entry.stopped, entry.child)
        except Exception as error:  # a runner that ends would leave the queue standing
            _LOG.exception("the job cannot be run")
            return Outcome(status=Status.FAILED_TRANSIENT, reason="service_error", detail=type(error).__name__)
        finally:
            self._metrics.seconds.labels(entry.description.model.id).observe(time.monotonic() - began)

    def _finish(self, entry: Entry, outcome: Outcome) -> None:
        name = entry.description.model.id
        self._metrics.ended.labels(name, outcome.status.value, outcome.reason or "").inc()
        if outcome.peak:
            self._metrics.peak.labels(name).set(outcome.peak)
        _LOG.info("%s %s %s", name, outcome.status.value, outcome.reason or "")
        # The images have done their work; only the mask is asked for later.
        shutil.rmtree(entry.folder / "input", ignore_errors=True)
        (entry.folder / "inline.npz").unlink(missing_ok=True)
        with self._condition:
            entry.job = Job(
                job_key=entry.job.job_key,
                status=outcome.status,
                trace_id=entry.job.trace_id,
                reason=outcome.reason,
                detail=outcome.detail,
                result=outcome.result,
            )
            entry.ended_at = time.monotonic()
        entry.done.set()

    def _forget_old(self) -> None:
        ended = sorted(
            (one.ended_at, key) for key, one in self._entries.items() if one.ended_at is not None and one.done.is_set()
        )
        too_old = time.monotonic() - _KEPT_SECONDS
        surplus = max(0, len(ended) - _KEPT)
        for index, (ended_at, key) in enumerate(ended):
            if index < surplus or ended_at < too_old:
                self._remove(key)

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key)
        shutil.rmtree(entry.folder, ignore_errors=True)


def described(models: Mapping[str, Description], model_id: str) -> Description:
    """Return a model that is here.

    Raises:
        Problem: it is not (404).
    """
    if model_id not in models:
        raise Problem(404, "unknown_model", "There is no such model here.")
    return models[model_id]
