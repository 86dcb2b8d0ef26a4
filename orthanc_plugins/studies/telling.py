"""Tells the API of Orthanc's studies: looks at those that changed, and writes down what differs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuronova.contract.studies import MOST_EVENTS, StudyChanged, event_from_json, event_to_json, to_json
from orthanc_plugins.access.register import Register
from orthanc_plugins.arrived import ArrivalFile
from orthanc_plugins.changes.consumer import Consumed, Consumer, get
from orthanc_plugins.changes.posting import Outgoing, Posting
from orthanc_plugins.sdk import Sdk
from orthanc_plugins.studies.memory import Memory
from orthanc_plugins.studies.reading import changed

log = logging.getLogger(__name__)

QUIET = 0.4  # seconds without an instance after which a study is told
LONGEST = 1.0  # seconds after which one that still grows is told
MOST_LOOKED_AT = 20  # studies at once, so that requests come in between


def telling(sdk: Sdk, memory: Memory, register: Register, arrivals: ArrivalFile, port: int, key: Path) -> Consumer:
    """Return what keeps the API told of studies."""
    outgoing = Outgoing(
        path="events", most=MOST_EVENTS, waiting=memory.outgoing, answered=memory.answered, request=to_json
    )
    consumed = Consumed(
        level="studies",
        unit_of=lambda series: str(series["ParentStudy"]),
        begin=lambda: None,
        look=Looking(sdk, memory, register, arrivals).look,
        send=Posting(outgoing, port, key).send,
    )
    return Consumer(sdk, memory, consumed)


class Looking:
    """Looks at studies that were touched."""

    def __init__(self, sdk: Sdk, memory: Memory, register: Register, arrivals: ArrivalFile) -> None:
        self._arrivals = arrivals
        self._sdk = sdk
        self._memory = memory
        self._register = register

    def look(self) -> bool:
        """Look at studies whose time has come; return whether others wait for theirs."""
        now = time.time()
        for orthanc, last in self._memory.due(now, QUIET, LONGEST, MOST_LOOKED_AT):
            study = get(self._sdk, f"/studies/{orthanc}")
            series = None if study is None else get(self._sdk, f"/studies/{orthanc}/series")
            if study is None or series is None:
                self._memory.look(orthanc, last, [], ())
                continue
            owners = self._register.series_of(orthanc)
            if not owners:  # the register is still catching up
                self._memory.touch([orthanc], now)
                continue
            came = self._arrivals.of_study(orthanc)
            found = changed(study, series, owners, "" if came is None else came.traceparent)
            self._memory.look(orthanc, last, _tellable(found), _resources(series))
        return self._memory.is_anything_touched()


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


def _resources(series: list[dict[str, Any]]) -> Iterator[str]:
    for one in series:
        yield one["ID"]
        yield from one["Instances"]
