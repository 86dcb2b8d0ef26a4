"""What Prometheus is told of models and their queue."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)


class Metrics:
    """The numbers of one service."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        prefix, registry = "neuronova_inference", self._registry
        self.queued = Gauge(f"{prefix}_queued", "Jobs that wait", registry=registry)
        self.running = Gauge(f"{prefix}_running", "Models that run", registry=registry)
        self.ended = Counter(
            f"{prefix}_jobs", "Jobs that ended, by model and how", ["model", "status", "reason"], registry=registry
        )
        self.seconds = Histogram(
            f"{prefix}_seconds", "Time of a model's process", ["model"], buckets=_SECONDS, registry=registry
        )
        self.peak = Gauge(
            f"{prefix}_peak_bytes", "Largest resident memory of a model's last run", ["model"], registry=registry
        )

    def text(self) -> bytes:
        """Return the exposition."""
        return generate_latest(self._registry)
