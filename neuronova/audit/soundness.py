"""Verifying the trail from time to time, and what the last verification found: for whoever watches the platform."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from neuronova.audit.status import public_keys
from neuronova.audit.trail import Trail
from neuronova.audit.verify import Report, verify

log = logging.getLogger(__name__)

VERIFY_EVERY = 6 * 3600.0  # seconds between two verifications
_FILE = "verified.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Soundness:
    """What a verification found: `time` is when it ended (seconds since the epoch), `faulty` are counted faults."""

    time: float
    records: int
    faulty: int

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.faulty == 0


def read_soundness(trail: Trail) -> Soundness | None:
    """Return what the last verification found; None where there was none, or its file is damaged."""
    try:
        found = json.loads(_file(trail).read_bytes())
        return Soundness(time=float(found["time"]), records=int(found["records"]), faulty=int(found["faulty"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def verify_now(trail: Trail, clock: Callable[[], float] = time.time) -> Soundness:
    """Verify the whole trail, keep what was found and return it; each fault is logged."""
    report = verify(trail, public_keys(trail))
    for fault in faults_of(report):
        log.error("the audit trail is not sound: %s", fault)
    found = Soundness(
        time=clock(), records=sum(chain.verified for chain in report.chains), faulty=len(faults_of(report))
    )
    partial = _file(trail).with_suffix(".new")
    partial.write_text(json.dumps(asdict(found)))
    partial.rename(_file(trail))
    return found


def faults_of(report: Report) -> list[str]:
    """Return what is wrong, a line each."""
    broken = [f"{chain.writer}: {chain.fault}" for chain in report.chains if chain.fault is not None]
    return [*broken, *report.faults]


def keep_verifying(trail: Trail, every: float = VERIFY_EVERY) -> None:
    """Verify now and from time to time, in a thread that ends with the process: forwarding does not wait for it."""

    def verifying() -> None:
        while True:
            try:
                verify_now(trail)
            except Exception:
                log.exception("the audit trail could not be verified")
            time.sleep(every)

    threading.Thread(target=verifying, name="verifying", daemon=True).start()


def _file(trail: Trail) -> Path:
    return trail.folder / _FILE
