"""A thread that follows Orthanc's `/changes` with a cursor of its own, and has what changed looked at and told."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orthanc_plugins.changes.memory import Touched
from orthanc_plugins.sdk import Sdk, is_gone

log = logging.getLogger(__name__)

PAGE = 500  # changes, or units, of one question to Orthanc
LOOK_EVERY = 0.2  # seconds
PAUSE = 0.5  # seconds that it waits to be called
RECONCILE_EVERY = 3600.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Consumed:
    """What is made of the changes.

    `level` is Orthanc's name of all units (studies, series), and `unit_of` gives a unit's identifier from Orthanc's
    answer about a series. `begin` is called before anything else. `look` looks at units whose time has come and `send`
    tells what was found; each returns whether more is to be done soon.
    """

    level: str
    unit_of: Callable[[Mapping[str, Any]], str]
    begin: Callable[[], None]
    look: Callable[[], bool]
    send: Callable[[], bool]


class Consumer:
    """Follows from `start` until the process ends; nothing of it is lost by a restart."""

    def __init__(self, sdk: Sdk, memory: Touched, consumed: Consumed) -> None:
        self._sdk = sdk
        self._memory = memory
        self._consumed = consumed
        self._called = threading.Event()

    def call(self) -> None:
        """Tell the thread that something has come."""
        self._called.set()

    def on_deleted(self, identifier: str) -> None:
        """Write down that a patient, study, series or instance was deleted."""
        self._memory.bury(identifier, time.time())
        self._called.set()

    def start(self) -> None:
        """Compare with what Orthanc has, and begin to follow."""
        threading.Thread(target=self._run, name=f"changes of {self._consumed.level}", daemon=True).start()

    def _run(self) -> None:
        begun, reconciled = False, 0.0
        while True:
            try:
                if not begun:
                    self._consumed.begin()
                    begun = True
                if time.monotonic() - reconciled > RECONCILE_EVERY or not reconciled:
                    self._rewind()
                    self._memory.reconcile(self._units(), time.time())
                    reconciled = time.monotonic()
                self._advance()
                self._memory.take_deletions(time.time())
                waiting = self._consumed.look()
                waiting = self._consumed.send() or waiting
            except Exception:
                log.exception("%s could not be told; trying again", self._consumed.level)
                waiting = False
                time.sleep(PAUSE)
            if not waiting:
                self._called.wait(PAUSE)
                self._called.clear()
            time.sleep(LOOK_EVERY)

    def _advance(self) -> None:
        """Take in all changes of the feed."""
        while True:
            since = self._memory.sequence()
            page = get(self._sdk, f"/changes?since={since}&limit={PAGE}")
            if page is None or not page["Changes"]:
                return
            members: dict[str, str] = {}
            for change in page["Changes"]:
                if change["ChangeType"] == "NewInstance" and change["ID"] not in members:
                    members |= self._members(change["ID"])
            self._memory.take_in(page["Last"], members, time.time())
            if page["Done"]:
                return

    def _rewind(self) -> None:
        """Begin anew where the feed ends before the cursor: the index was restored, or made anew."""
        page = get(self._sdk, "/changes?limit=1&last")
        if page is not None and page["Last"] < self._memory.sequence():
            self._memory.take_in(0, {}, time.time())

    def _members(self, instance: str) -> dict[str, str]:
        """Return the unit of an instance, for it and all of its series; none where it is gone."""
        known = self._memory.unit_of(instance)
        if known is not None:
            return {instance: known}
        series = get(self._sdk, f"/instances/{instance}/series")
        if series is None:
            return {}
        return dict.fromkeys((series["ID"], *series["Instances"]), self._consumed.unit_of(series))

    def _units(self) -> Iterator[list[str]]:
        since = 0
        while page := get(self._sdk, f"/{self._consumed.level}?since={since}&limit={PAGE}"):
            yield page
            since += len(page)


class Consumers:
    """Several of them, told together."""

    def __init__(self, *consumers: Consumer) -> None:
        self._consumers = consumers

    def call(self) -> None:
        """Tell the threads that something has come."""
        for one in self._consumers:
            one.call()

    def on_deleted(self, identifier: str) -> None:
        """Write down that a patient, study, series or instance was deleted."""
        for one in self._consumers:
            one.on_deleted(identifier)

    def start(self) -> None:
        """Begin to follow."""
        for one in self._consumers:
            one.start()


def get(sdk: Sdk, path: str) -> Any | None:
    """Return Orthanc's answer as JSON; None where there is no such resource (any more).

    Raises:
        OrthancException: that cannot be known now, as while a database is away.
    """
    try:
        return json.loads(sdk.RestApiGet(path))
    except sdk.OrthancException as error:
        if not is_gone(error):
            raise
        return None
