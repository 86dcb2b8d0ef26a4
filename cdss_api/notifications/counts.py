"""What Prometheus is told of the streams."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, generate_latest


class Counts:
    """The counters of one process; `open_streams` tells how many there are at this moment."""

    def __init__(self, open_streams: Callable[[], int]) -> None:
        disable_created_metrics()  # a second series for each counter, of no use to rate()
        registry = self._registry = CollectorRegistry()
        streams = Gauge("neuronova_notifications_streams", "Streams that are open", registry=registry)
        streams.set_function(lambda: float(open_streams()))
        self._opened = Counter("neuronova_notifications_streams_opened", "Streams that were opened", registry=registry)
        self._sent = Counter("neuronova_notifications_events", "Notifications that were sent", registry=registry)

    def opened(self) -> None:
        """Count a stream."""
        self._opened.inc()

    def sent(self, count: int) -> None:
        """Count notifications that are about to be sent."""
        self._sent.inc(count)

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self._registry)
