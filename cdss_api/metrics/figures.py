"""Figures that are worked out when Prometheus asks: groups of them side by side, within a limit of time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cdss_api.health.side_by_side import SideBySide

log = logging.getLogger(__name__)

DEADLINE = 5.0  # seconds; Prometheus gives a scrape 10
Figures = list[Metric]
Group = Callable[[], Figures]
Key = TypeVar("Key", bound=tuple[str, ...])


class Collected(Collector):
    """Gives the figures of each group; a group that fails or is late gives none, and says so."""

    def __init__(self, groups: Mapping[str, Group], deadline: float = DEADLINE) -> None:
        self._asked = SideBySide(groups, deadline)

    def collect(self) -> Iterable[Metric]:
        """Return what Prometheus is told."""
        up = GaugeMetricFamily(
            "neuronova_figures_up", "1 where a group of figures could be worked out in time", labels=["group"]
        )
        for name, one in self._asked.run().items():
            if one.error is not None:
                log.error("the figures of %s could not be worked out", name, exc_info=one.error)
            yield from one.value or ()
            up.add_metric([name], float(one.ended and one.error is None))
        yield up


def gauge(name: str, meaning: str, value: float) -> Metric:
    """Return one gauge without labels."""
    return GaugeMetricFamily(name, meaning, value=value)


def gauges(name: str, meaning: str, labels: Iterable[str], values: Mapping[Key, float]) -> Metric:
    """Return a gauge's series by the values of its labels."""
    family = GaugeMetricFamily(name, meaning, labels=list(labels))
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
