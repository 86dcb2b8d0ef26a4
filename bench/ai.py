"""AI on stored series: from the last slice to the job, through the queue, into the service, the models themselves."""

from __future__ import annotations

from collections.abc import Iterator

from bench.ai_handover import handover
from bench.ai_ingest import beside_a_model
from bench.ai_models import models
from bench.ai_queue import queue
from bench.ai_trigger import trigger
from bench.report import Result


def measure(quick: bool) -> Iterator[Result]:
    """Yield all of it."""
    yield from trigger(rounds=1 if quick else 5)
    yield from queue(jobs=20 if quick else 100)
    yield from handover(rounds=1 if quick else 3)
    yield from models()
    yield from beside_a_model(rounds=1 if quick else 5)
