"""What the plugin's journal and processes hold, worked out when Prometheus asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from orthanc_plugins.journal import Journal
from orthanc_plugins.processes import Crew

_LEAST_PAUSE = 5.0  # seconds between two looks at all outcomes
_SHARE = 50  # of the time goes into these looks at most: at ten million outcomes one takes seconds
STATUSES = ("encoded", "skipped", "failed")


class Outcomes:
    """All outcomes counted by status, kept for a while: the larger the archive, the longer."""

    def __init__(self, journal: Journal, clock: Callable[[], float] = time.monotonic) -> None:
        self._journal = journal
        self._clock = clock
        self._again_at = 0.0
        self._kept: dict[str, tuple[int, int, int]] = {}

    def by_status(self) -> dict[str, tuple[int, int, int]]:
        """Return instances, and bytes of pixel data before and after, by status."""
        began = self._clock()
        if began >= self._again_at:
            self._kept = _added_up(self._journal.report())
            took = self._clock() - began
            self._again_at = began + max(_LEAST_PAUSE, _SHARE * took)
        return self._kept


def _added_up(rows: Iterable[dict[str, Any]]) -> dict[str, tuple[int, int, int]]:
    found = dict.fromkeys(STATUSES, (0, 0, 0))
    for row in rows:
        count, before, after = found[row["status"]]
        found[row["status"]] = (count + row["count"], before + row["bytes_before"], after + row["bytes_after"])
    return found


class Figures(Collector):
    """Gives the figures of encoding; `journal` is a connection of its own, so that no request waits for it."""

    def __init__(self, journal: Journal, crew: Crew, clock: Callable[[], float] = time.time) -> None:
        self._journal = journal
        self._crew = crew
        self._clock = clock
        self._outcomes = Outcomes(journal)

    def collect(self) -> Iterable[Metric]:
        """Return what Prometheus is told."""
        backlog, oldest = self._journal.waiting()
        age = 0.0 if oldest is None else max(0.0, self._clock() - oldest)
        yield GaugeMetricFamily("neuronova_encode_backlog", "Instances that wait to be encoded", value=backlog)
        yield GaugeMetricFamily("neuronova_encode_oldest_seconds", "Age of the oldest of them", value=age)
        found = self._outcomes.by_status()
        instances = GaugeMetricFamily("neuronova_encode_instances", "Instances by outcome", labels=["status"])
        for status, (count, _, _) in found.items():
            instances.add_metric([status], count)
        yield instances
        _, before, after = found["encoded"]
        sizes = GaugeMetricFamily(
            "neuronova_encode_bytes", "Bytes of pixel data of what is encoded, before and after", labels=["side"]
        )
        sizes.add_metric(["before"], before)
        sizes.add_metric(["after"], after)
        yield sizes
        ratio = before / after if after else 0.0
        yield GaugeMetricFamily("neuronova_encode_ratio", "Bytes before by bytes after; 0 for none", value=ratio)
        running, wanted = self._crew.encoders()
        yield GaugeMetricFamily("neuronova_encode_workers", "Encode workers that run", value=running)
        yield GaugeMetricFamily("neuronova_encode_workers_wanted", "Encode workers that should run", value=wanted)
        restarts = CounterMetricFamily(
            "neuronova_worker_restarts", "Worker processes that ended and were started again", labels=["kind"]
        )
        for kind, count in self._crew.restarts().items():
            restarts.add_metric([kind], count)
        yield restarts
