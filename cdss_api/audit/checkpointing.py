"""Joint signed checkpoints over all chains, from time to time: a thread of the service."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from neuronova.audit.checkpoints import make_checkpoint
from neuronova.audit.signing import signer_of
from neuronova.audit.trail import Trail
from neuronova.contract.settings import Settings

log = logging.getLogger(__name__)

EVERY = 600.0  # seconds; what lies behind the last checkpoint is chained, but nobody has signed it


def start_checkpoints(
    settings: Settings, stopping: threading.Event, clock: Callable[[], float] = time.time
) -> threading.Thread:
    """Make a checkpoint now and then until `stopping` is set, and a last one."""
    trail = Trail(settings.data)
    signer = signer_of(trail.keys)

    def keep_making() -> None:
        over = False
        while not over:
            try:
                make_checkpoint(trail.journals(), trail.checkpoints, signer, clock())
            except Exception:
                log.exception("no checkpoint of the audit trail could be made")
            over = stopping.wait(EVERY)

    thread = threading.Thread(target=keep_making, name="checkpoints", daemon=True)
    thread.start()
    return thread
