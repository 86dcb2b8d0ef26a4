"""What is asked of the inference service over HTTP; what its answers mean is in `answers`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cdss_api.jobs import masks
from cdss_api.jobs.answers import ToldModel, models_told
from cdss_api.outbox.exchange import Answer, Exchange, Undelivered
from cdss_api.outbox.verdicts import Outcome, Verdict
from neuronova.contract.inference import Mask, Request, to_json
from neuronova.contract.trace import TRACEPARENT, TraceContext

LONGEST_STEP = 45.0  # seconds; less than the outbox's longest delivery


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """Asks one service; `secret_file` has what it knows its callers by. For one thread."""

    url: str
    secret_file: Path
    exchange: Exchange = field(default_factory=lambda: Exchange(LONGEST_STEP))

    def submit(self, request: Request, span: TraceContext) -> Answer:
        """Ask for a job, which goes on with `span`. Raises what `Exchange` raises, as the others do."""
        body, more = json.dumps(to_json(request)).encode(), {TRACEPARENT: span.traceparent}
        self.exchange.begin()
        return self.exchange.ask("POST", f"{self.url}/api/v1/inference", {**self._headers(), **more}, body)

    def state(self, key: str) -> Answer:
        """Ask how far a job is."""
        return self._ask("GET", f"/api/v1/inference/{key}")

    def stop(self, key: str) -> Answer:
        """Say that a job is not wanted any more."""
        return self._ask("DELETE", f"/api/v1/inference/{key}")

    def models(self) -> tuple[ToldModel, ...]:
        """Return the models that it has.

        Raises:
            BadMessage: it tells something else.
            Undelivered: it does not tell.
        """
        answer = self._ask("GET", "/models")
        if answer.status != 200:
            raise Undelivered(Outcome(Verdict.TARGET_DOWN, f"{answer.asked}: HTTP {answer.status}"))
        return models_told(answer.text)

    def mask(self, mask: Mask, into: Path) -> None:
        """Fetch a mask (see `masks.fetch`)."""
        masks.fetch(self.url + mask.path, self._headers(), mask.shape, into)

    def _ask(self, method: str, path: str) -> Answer:
        self.exchange.begin()
        return self.exchange.ask(method, self.url + path, self._headers())

    def _headers(self) -> Mapping[str, str]:
        try:
            secret = self.secret_file.read_text().strip()
        except OSError:
            raise Undelivered(Outcome(Verdict.TARGET_DOWN, "the inference service's key cannot be read")) from None
        return {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
