"""Tells the API of Orthanc's studies, in a thread: follows `/changes`, looks at what changed, posts what differs."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuronova.contract.studies import MOST_EVENTS, Event, StudyChanged, event_from_json, event_to_json, to_json
from orthanc_plugins.access.register import Register
from orthanc_plugins.following import SILENT, ask_api
from orthanc_plugins.sdk import Sdk
from orthanc_plugins.studies.memory import Memory
from orthanc_plugins.studies.reading import changed

log = logging.getLogger(__name__)

PAGE = 500  # changes, or studies, of one question to Orthanc
QUIET = 0.4  # seconds without an instance after which a study is told
LONGEST = 1.0  # seconds after which one that still grows is told
LOOK_EVERY = 0.2  # seconds
RECONCILE_EVERY = 3600.0  # seconds
PAUSE = 0.5  # seconds between two tries while the API does not answer
MOST_LOOKED_AT = 20  # studies at once, so that requests come in between
LARGEST_REQUEST = 600_000  # bytes of events; the API takes a mebibyte
_GIVEN_UP = frozenset({http.client.BAD_REQUEST, http.client.REQUEST_ENTITY_TOO_LARGE, http.client.UNPROCESSABLE_ENTITY})


class Telling:
    """Keeps the API told from `start` until the process ends; nothing of it is lost by a restart of either."""

    def __init__(self, sdk: Sdk, memory: Memory, register: Register, port: int, key: Path) -> None:
        self._sdk = sdk
        self._memory = memory
        self._register = register
        self._port = port
        self._key = key
        self._called = threading.Event()
        self._failures = 0
        self._next_try = 0.0

    def call(self) -> None:
        """Tell the thread that something has come."""
        self._called.set()

    def on_deleted(self, identifier: str) -> None:
        """Write down that a patient, study, series or instance was deleted."""
        self._memory.bury(identifier, time.time())
        self._called.set()

    def start(self) -> None:
        """Compare with what Orthanc has, and begin to tell."""
        threading.Thread(target=self._run, name="studies", daemon=True).start()

    def _run(self) -> None:
        reconciled = 0.0
        while True:
            try:
                if time.monotonic() - reconciled > RECONCILE_EVERY or not reconciled:
                    self._rewind()
                    self._memory.reconcile(self._studies(), time.time())
                    reconciled = time.monotonic()
                self._advance()
                self._memory.take_deletions(time.time())
                waiting = self._look()
                waiting = self._send() or waiting
            except Exception:
                log.exception("studies could not be told; trying again")
                waiting = False
                time.sleep(PAUSE)
            if not waiting:
                self._called.wait(PAUSE)
                self._called.clear()
            time.sleep(LOOK_EVERY)

    # What changed

    def _advance(self) -> None:
        """Take in all changes of the feed."""
        while True:
            since = self._memory.sequence()
            page = self._get(f"/changes?since={since}&limit={PAGE}")
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
        page = self._get("/changes?limit=1&last")
        if page is not None and page["Last"] < self._memory.sequence():
            self._memory.take_in(0, {}, time.time())

    def _members(self, instance: str) -> dict[str, str]:
        """Return the study of an instance, for it and all of its series; none where it is gone."""
        known = self._memory.study_of(instance)
        if known is not None:
            return {instance: known}
        series = self._get(f"/instances/{instance}/series")
        if series is None:
            return {}
        return dict.fromkeys((series["ID"], *series["Instances"]), series["ParentStudy"])

    def _studies(self) -> Iterator[list[str]]:
        since = 0
        while page := self._get(f"/studies?since={since}&limit={PAGE}"):
            yield page
            since += len(page)

    # What is told

    def _look(self) -> bool:
        """Look at studies whose time has come; return whether others wait for theirs."""
        now = time.time()
        for orthanc, last in self._memory.due(now, QUIET, LONGEST, MOST_LOOKED_AT):
            study = self._get(f"/studies/{orthanc}")
            series = None if study is None else self._get(f"/studies/{orthanc}/series")
            if study is None or series is None:
                self._memory.look(orthanc, last, [], ())
                continue
            owners = self._register.series_of(orthanc)
            if not owners:  # the register is still catching up
                self._memory.touch([orthanc], now)
                continue
            self._memory.look(orthanc, last, _tellable(changed(study, series, owners)), _resources(series))
        return self._memory.is_anything_touched()

    def _send(self) -> bool:
        """Post what waits; return whether more of it waits."""
        if time.monotonic() < self._next_try:
            return True
        events = _sized(self._memory.outgoing(MOST_EVENTS))
        if not events:
            return False
        try:
            body = json.dumps(to_json(events), ensure_ascii=False).encode()
            status, answer = ask_api(self._port, self._key, "POST", "events", body)
            if status != http.client.OK and status not in _GIVEN_UP:
                raise OSError(f"the API answers {status}")
        except (OSError, http.client.HTTPException) as error:
            self._failures += 1
            self._next_try = time.monotonic() + PAUSE
            if self._failures == SILENT:
                log.warning("studies: the API does not answer (%r); what changed is told once it does", error)
            return True
        self._failures = 0
        if status in _GIVEN_UP:
            log.error("studies: the API takes no such events (%d): %s", status, answer[:500].decode(errors="replace"))
        self._memory.answered(events)
        return bool(self._memory.outgoing(1))

    def _get(self, path: str) -> Any | None:
        try:
            return json.loads(self._sdk.RestApiGet(path))
        except self._sdk.OrthancException:
            return None  # there is no such resource (any more)


def _tellable(found: list[StudyChanged]) -> list[StudyChanged]:
    """Leave out what the contract has no place for: an identifier that was cut would be another's."""
    kept = []
    for one in found:
        try:
            event_from_json(event_to_json(one))
            kept.append(one)
        except ValueError as odd:
            log.warning("study %s is not told: %s", one.orthanc, odd)
    return kept


def _sized(events: list[Event]) -> list[Event]:
    """Return as many of the first events as a request may hold, one at least."""
    kept: list[Event] = []
    size = 0
    for one in events:
        size += len(json.dumps(event_to_json(one), ensure_ascii=False).encode())
        if kept and size > LARGEST_REQUEST:
            break
        kept.append(one)
    return kept


def _resources(series: list[dict[str, Any]]) -> Iterator[str]:
    for one in series:
        yield one["ID"]
        yield from one["Instances"]
