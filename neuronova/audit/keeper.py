"""The process that keeps the audit trail: it signs checkpoints, forwards records, and removes what is too old.

It is a process of its own, so that neither a collector that is far behind nor the verification before a cut slows a
login, and there is one of it: the lock of its journal, in which it records cuts, keeps a second one away.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType

from neuronova.audit.checkpoints import make_checkpoint
from neuronova.audit.cuts import finish_cut, is_due
from neuronova.audit.files import JournalFailed
from neuronova.audit.forward import Forwarder, collector_of
from neuronova.audit.journal import AuditJournal
from neuronova.audit.retention import DAY, YEAR, cut_all, forwarded, last_cut, remove_exports, require_whole
from neuronova.audit.signing import BadKey, signer_of
from neuronova.audit.soundness import keep_verifying
from neuronova.audit.trail import Trail
from neuronova.contract.audit import Action, Event, Outcome
from neuronova.contract.settings import Settings, read_settings
from neuronova.telemetry.starting import start_logs, telemetry_of

log = logging.getLogger(__name__)

WRITER = "keeper"
PATIENCE = 10.0  # seconds; a keeper that is being replaced may still hold its journal
TICK = 0.5
CHECKPOINT_EVERY = 600.0  # what lies behind the last checkpoint is chained, but nobody has signed it
_NICE = 5  # who reads a study comes first
RETENTION_EVERY = 3600.0  # that a cut is thought of; one is made a day


class Keeper:
    """Does what is due at each `step`; what fails is logged, and tried again when it is next due."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._trail = Trail(settings.data)
        self._clock = clock
        self._years = settings.audit_years
        self._signer = signer_of(self._trail.keys)
        self._journal = AuditJournal(self._trail.journal(WRITER), WRITER, patience=PATIENCE)
        self.collector = collector_of(settings)
        self._forwarder = (
            None
            if self.collector is None
            else Forwarder(self._trail, self.collector, clock, host=socket.gethostname(), server=settings.aet)
        )
        self._sent = 0
        self._next = {self.checkpoint: 0.0, self.retain: 0.0}
        self._every = {self.checkpoint: CHECKPOINT_EVERY, self.retain: RETENTION_EVERY}

    def step(self) -> bool:
        """Do what is due; return whether there may be more to forward at once."""
        for duty, due in self._next.items():
            if self._clock() >= due:
                self._next[duty] = self._clock() + self._every[duty]
                self._try(duty)
        self._sent = 0
        self._try(self.forward)
        return self._sent > 0

    def close(self) -> None:
        """Sign how far the chains have come in the end."""
        self._try(self.checkpoint)  # before anybody else is waited for
        if self._forwarder is not None:
            self._try(self._forwarder.close)
        self._journal.close()

    def forward(self) -> None:
        """Send the collector what is new."""
        if self._forwarder is not None:
            self._sent = self._forwarder.step()

    def checkpoint(self) -> None:
        """Sign how far all chains have come."""
        make_checkpoint(self._trail.journals(), self._trail.checkpoints, self._signer, self._clock())

    def retain(self) -> None:
        """Finish an interrupted cut, and make one if records are too old and none was made today."""
        for path in self._trail.journals():
            finish_cut(path, self._trail, self._signer)
        now, last = self._clock(), last_cut(self._trail, self._signer.keys)
        if self._years is None:
            return
        remove_exports(self._trail, self._signer.keys, now)
        if last is None or last < now - DAY:
            self._cut(now, now - self._years * YEAR)

    def _cut(self, now: float, before: float) -> None:
        position = forwarded(self._trail, self.collector)
        if not any(is_due(path, before, position) for path in self._trail.journals()):
            return
        require_whole(self._trail, self._signer.keys)
        # What cannot be recorded is not done.
        detail = json.dumps({"years": self._years})
        cut = Event(time=now, action=Action.CUT, outcome=Outcome.ALLOWED, subject="service:keeper", detail=detail)
        self._journal.append(cut)
        for path, made in cut_all(self._trail, before, self._signer, now, self.collector):
            if made is not None:
                log.info("%s lost records %d to %d for their age", path.stem, made.first, made.sequence)

    def _try(self, duty: Callable[[], None]) -> None:
        try:
            duty()
        except Exception:
            log.exception("the audit trail's keeper failed to %s", duty.__name__)


def main() -> None:
    """Keep the trail of this process's environment until SIGTERM."""
    settings = read_settings(os.environ)
    start_logs("keeper", telemetry_of(settings))
    os.nice(_NICE)
    try:
        keeper = Keeper(settings)
    except (BadKey, JournalFailed) as error:
        sys.exit(str(error))
    signal.signal(signal.SIGTERM, _end)
    keep_verifying(Trail(settings.data))
    try:
        while True:
            if not keeper.step():
                time.sleep(TICK)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        keeper.close()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit()  # out of whatever it waits for: the collector may be slow


if __name__ == "__main__":
    main()
