"""The encode worker: follows Orthanc's changes and encodes what is noted, whenever the machine has time.

`python -m orthanc_plugins.workers.encode SURROUNDINGS`, started by the plugin.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import requests

from orthanc_plugins.journal import Outcome, Work
from orthanc_plugins.workers import feed
from orthanc_plugins.workers.client import Gone
from orthanc_plugins.workers.lifeline import Lifeline
from orthanc_plugins.workers.metadata import prepare
from orthanc_plugins.workers.publishing import Changed, publish
from orthanc_plugins.workers.receiving import note_interrupted
from orthanc_plugins.workers.surroundings import Surroundings, give_way, set_up_process
from orthanc_plugins.workers.workshop import Workshop, open_workshop

log = logging.getLogger(__name__)

IDLE = 5.0  # seconds between two looks at the feed when nobody calls
QUIET = 0.25  # seconds without an arrival after which encoding begins: sending comes first
PATIENCE = 10.0  # seconds after which encoding begins all the same
RECONCILE_EVERY = 600.0  # seconds
MAX_ATTEMPTS = 5
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0  # seconds before the second and before the last try


@dataclass(kw_only=True)
class Encoder:
    """One worker's loop; `clock` gives seconds since the epoch."""

    workshop: Workshop
    lifeline: Lifeline
    name: str
    reconciles: bool
    clock: Callable[[], float] = time.time
    _reconcile_at: float = 0.0

    def step(self) -> None:
        """Look at the feed, then do one piece of work or wait for the next call; without room nothing is made."""
        client, journal = self.workshop.client, self.workshop.journal
        if self.reconciles and self.clock() >= self._reconcile_at:
            differing = feed.reconcile(client, journal, self.clock())
            self._reconcile_at = self.clock() + RECONCILE_EVERY
            if differing:
                log.info("reconciliation noted %d instances", differing)
        while feed.advance(client, journal, self.clock()):
            pass
        if not self.workshop.room.left():
            self.lifeline.wait(IDLE)
            return
        work = journal.take(self.name, self.clock(), wanted_only=self._ingest_is_busy())
        if work is not None:
            self._do(work)
        elif journal.waiting()[0]:
            self.lifeline.rest(QUIET)
        elif (series := journal.take_touched()) is not None:
            prepare(self.workshop, series)
        else:
            self.lifeline.wait(IDLE)

    def _ingest_is_busy(self) -> bool:
        if self.lifeline.quiet_for() >= QUIET:
            return False
        _, oldest = self.workshop.journal.waiting()
        return oldest is not None and self.clock() - oldest < PATIENCE

    def _do(self, work: Work) -> None:
        journal = self.workshop.journal
        try:
            if work.attempts >= MAX_ATTEMPTS:
                self._give_up(work.instance, "crashed")
                return
            journal.finish(publish(self.workshop, work.instance), self.clock())
        except Gone:
            journal.drop(work.instance, self.clock())
        except Changed:
            journal.put_back(work.instance, self.clock())
        except Exception as error:
            if work.attempts + 1 >= MAX_ATTEMPTS and not isinstance(error, requests.ConnectionError):
                log.exception("instance %s could not be encoded and is given up", work.instance)
                self._give_up(work.instance, type(error).__name__)
            else:
                pause = min(FIRST_PAUSE * 4**work.attempts, LONGEST_PAUSE)
                log.warning(
                    "instance %s: try %d failed, next in %d s: %r",
                    work.instance,
                    work.attempts + 1,
                    pause,
                    error,
                )
                journal.put_back(work.instance, self.clock() + pause)

    def _give_up(self, instance: str, reason: str) -> None:
        stored = self.workshop.client.stored_file(instance, "dicom")
        if stored is None:
            self.workshop.journal.drop(instance, self.clock())
            return
        outcome = Outcome(instance=instance, md5=stored.md5, status="failed", reason=reason, bytes_before=stored.size)
        self.workshop.journal.finish(outcome, self.clock())


def main(argument: str) -> None:
    """Work until the plugin's process ends."""
    surroundings = Surroundings.from_argument(argument)
    set_up_process(surroundings)
    give_way()
    lifeline = Lifeline()
    workshop = open_workshop(surroundings)
    workshop.journal.release(surroundings.name)
    reconciles = surroundings.name.endswith("-0")
    if reconciles:
        note_interrupted(workshop, time.time())
        feed.rewind(workshop.client, workshop.journal, time.time())
    encoder = Encoder(workshop=workshop, lifeline=lifeline, name=surroundings.name, reconciles=reconciles)
    while True:
        try:
            encoder.step()
        except requests.RequestException as error:
            log.warning("Orthanc does not answer: %s", error)
            lifeline.wait(FIRST_PAUSE)


if __name__ == "__main__":
    main(sys.argv[1])
