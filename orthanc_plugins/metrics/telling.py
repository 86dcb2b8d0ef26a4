"""`/neuronova/metrics`: the plugin's figures, and behind them Orthanc's own, on Orthanc's own port only."""

from __future__ import annotations

import logging
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from orthanc_plugins.answer import Answer, send
from orthanc_plugins.metrics.counts import Counts
from orthanc_plugins.metrics.figures import Figures
from orthanc_plugins.sdk import Output, Sdk

log = logging.getLogger(__name__)

ORTHANCS_OWN = "/tools/metrics-prometheus"


class Telling:
    """Answers Prometheus' questions; `counts` is for those who have something to count."""

    def __init__(self, sdk: Sdk, figures: Figures) -> None:
        self.counts = Counts()
        self._sdk = sdk
        self._registry = self.counts.registry
        self._registry.register(figures)

    def on_metrics(self, output: Output, _uri: str, **_given: Any) -> None:
        """Answer in Prometheus' text format."""
        send(output, Answer(generate_latest(self._registry) + self._own(), CONTENT_TYPE_LATEST))

    def _own(self) -> bytes:
        try:
            return self._sdk.RestApiGet(ORTHANCS_OWN)
        except self._sdk.OrthancException as error:
            log.warning("Orthanc tells no figures of its own: %s", error)
            return b""
