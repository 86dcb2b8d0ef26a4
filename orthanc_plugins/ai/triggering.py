"""Has the rules judge each series that is ready, and writes down what the API is to be told of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from neuronova.contract.ai.judged import MOST_SERIES, to_json
from neuronova.contract.forwarding.rules_file import ForwardingFile
from neuronova.contract.inference import MOST_INSTANCES
from neuronova.telemetry.current import about
from neuronova.telemetry.spans import span
from orthanc_plugins.access.register import Register
from orthanc_plugins.ai.judging import RulesFile, files_digest, may_be_asked_for, may_be_sent
from orthanc_plugins.ai.memory import Memory
from orthanc_plugins.ai.reading import Ambiguous, judged
from orthanc_plugins.arrived import ArrivalFile
from orthanc_plugins.changes.consumer import Consumed, Consumer, get
from orthanc_plugins.changes.posting import Outgoing, Posting
from orthanc_plugins.processes import Lane, LaneFailed
from orthanc_plugins.sdk import Sdk

log = logging.getLogger(__name__)

MOST_LOOKED_AT = 5  # series at once, so that what was found is told in between
RETRY = 30.0  # seconds until a series is read again that could not be
SOON = 1.0  # seconds until the register is asked again
PAGE = 50  # series with their descriptions of one question to Orthanc
BREATH_EVERY, BREATH = 20, 0.001  # instances, seconds: requests get the interpreter in between


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """What decides when a series is judged, by which rules; seconds. `started` is when this Orthanc was started."""

    rules: RulesFile
    forwarding: ForwardingFile
    quiet: float
    longest: float
    started: float


def triggering(
    sdk: Sdk,
    memory: Memory,
    register: Register,
    lane: Lane,
    arrivals: ArrivalFile,
    trigger: Trigger,
    port: int,
    key: Path,
) -> Consumer:
    """Return what has series judged and the API told."""
    outgoing = Outgoing(
        path="series", most=MOST_SERIES, waiting=memory.outgoing, answered=memory.answered, request=to_json
    )
    looking = Looking(sdk, memory, register, lane, arrivals, trigger)
    consumed = Consumed(
        level="series",
        unit_of=lambda series: str(series["ID"]),
        begin=looking.begin,
        look=looking.look,
        send=Posting(outgoing, port, key).send,
    )
    return Consumer(sdk, memory, consumed)


class Looking:
    """Looks at series that were touched; used by one thread."""

    def __init__(
        self, sdk: Sdk, memory: Memory, register: Register, lane: Lane, arrivals: ArrivalFile, trigger: Trigger
    ) -> None:
        self._arrivals = arrivals
        self._sdk = sdk
        self._memory = memory
        self._register = register
        self._lane = lane
        self._trigger = trigger

    def begin(self) -> None:
        """At the first start of all, take what is stored as it is: an archive of years is not for a queue of models."""
        if self._memory.has_begun():
            return
        feed = get(self._sdk, "/changes?limit=1&last")
        started = time.strftime("%Y%m%dT%H%M%S", time.gmtime(self._trigger.started))  # as Last Update is written
        old: list[str] = []
        new: list[str] = []
        for series in self._stored():
            (old if series.get("LastUpdate", "") < started else new).append(series["ID"])
        self._memory.begin(0 if feed is None else feed["Last"], old, new, time.time())

    def _stored(self) -> Iterator[dict[str, Any]]:
        since = 0
        while page := get(self._sdk, f"/series?expand&since={since}&limit={PAGE}"):
            yield from page
            since += len(page)

    def look(self) -> bool:
        """Look at series that are quiet; return whether there are more."""
        due = self._memory.due(time.time(), self._trigger.quiet, MOST_LOOKED_AT)
        for unit, seen in due:
            self._look_at(unit, seen, time.time())
        return len(due) == MOST_LOOKED_AT

    def _look_at(self, unit: str, seen: float, now: float) -> None:
        series = get(self._sdk, f"/series/{unit}")
        if series is None:
            self._memory.lose(unit, seen)
            return
        before = self._memory.judged(unit)
        is_told = before is not None and before.is_told
        if not is_told and not self._may_be_meant(series["MainDicomTags"].get("Modality", "")):
            self._memory.settle(unit, seen, "", self._trigger.rules.digest, ())
            return
        if len(series["Instances"]) > MOST_INSTANCES:
            self._refuse(unit, seen, series, "", f"it has more than {MOST_INSTANCES} images")
            return
        files = self._files(series["Instances"])
        study = get(self._sdk, f"/studies/{series['ParentStudy']}")
        if files is None or study is None:  # deleted meanwhile, which touches it
            self._memory.wait(unit, seen, now + SOON)
            return
        digest = files_digest(files)
        if before is not None and before.files == digest:
            self._memory.leave(unit, seen)
            return
        came = self._arrivals.of_series(unit)
        with about(series=unit), span("judge", parent=came, series=unit, images=len(files)) as judging:
            self._judge(_Stored(unit, seen, series, study, files, digest, is_told, judging.context.traceparent), now)

    def _may_be_meant(self, modality: str) -> bool:
        trigger = self._trigger
        return may_be_asked_for(trigger.rules.rules, modality) or may_be_sent(trigger.forwarding.rules, modality)

    def _judge(self, stored: _Stored, now: float) -> None:
        unit, seen = stored.unit, stored.seen
        said = self._ask(stored, datetime.fromtimestamp(now))  # local, as the hours of rules are
        waited = now - seen >= self._trigger.longest
        if said["state"] != "done" and waited:
            self._refuse(unit, seen, stored.series, stored.digest, f"it cannot be read ({_why(said)})")
        elif said["state"] != "done":
            log.warning("series %s cannot be read and is tried again: %s", unit, _why(said))
            self._memory.wait(unit, seen, now + min(RETRY, self._trigger.longest))
        elif said["expected"] is not None and said["images"] < said["expected"] and not waited:
            log.info("series %s has %d of %d images and waits", unit, said["images"], said["expected"])
            self._memory.wait(unit, seen, seen + self._trigger.longest)
        else:
            if said["expected"] is not None and said["images"] < said["expected"]:
                shown = (unit, said["images"], said["expected"], now - seen)
                log.warning("series %s is judged with %d of %d images: none has come for %.0f s", *shown)
            self._write_down(stored, said, now)

    def _write_down(self, stored: _Stored, said: Mapping[str, Any], now: float) -> None:
        owners = self._register.series_of(stored.series["ParentStudy"])
        try:
            told = judged(stored.series, stored.study, owners, said, stored.traceparent)
        except Ambiguous as odd:
            self._refuse(stored.unit, stored.seen, stored.series, stored.digest, str(odd))
            return
        if told is None:  # the register is still catching up
            self._memory.wait(stored.unit, stored.seen, now + SOON)
            return
        rules, instances = self._trigger.rules.digest, stored.series["Instances"]
        worth_telling = told.asked or told.sent or stored.is_told
        self._memory.settle(stored.unit, stored.seen, stored.digest, rules, instances, told if worth_telling else None)
        if told.asked:
            names = ", ".join(f"{one.rule}{' (cannot)' if one.reasons else ''}" for one in told.asked)
            log.info("series %s of %d images is asked for by %s", stored.unit, told.instances, names)
        if told.sent:
            names = ", ".join(one.rule for one in told.sent)
            log.info("series %s of %d images is forwarded by %s", stored.unit, told.instances, names)

    def _ask(self, stored: _Stored, at: datetime) -> dict[str, Any]:
        study, series = stored.study["MainDicomTags"], stored.series["MainDicomTags"]
        request = {
            "task": "judge_series",
            "series": stored.unit,
            "path": f"studies/{study.get('StudyInstanceUID')}/series/{series.get('SeriesInstanceUID')}",
            "files": stored.files,
            "rules": self._trigger.rules.text,
            "forwarding": self._trigger.forwarding.text,
            "at": at.time().isoformat(),
        }
        try:
            try:
                return self._lane.ask(request)[0]
            except LaneFailed as error:
                log.warning("%s; trying once more", error)
                return self._lane.ask(request)[0]
        except LaneFailed as error:
            return {"state": "failed", "detail": str(error)}

    def _files(self, instances: Sequence[str]) -> dict[str, str] | None:
        """Return the MD5 of each instance's file; None where one is gone."""
        files = {}
        for number, instance in enumerate(instances):
            if number % BREATH_EVERY == 0:
                time.sleep(BREATH)
            try:
                files[instance] = self._sdk.RestApiGet(f"/instances/{instance}/attachments/dicom/md5").decode()
            except self._sdk.OrthancException:
                return None
        return files

    def _refuse(self, unit: str, seen: float, series: Mapping[str, Any], files: str, why: str) -> None:
        log.error("series %s is not judged: %s", unit, why)
        self._memory.settle(unit, seen, files, self._trigger.rules.digest, series["Instances"])


def _why(said: Mapping[str, Any]) -> str:
    """Return why a series was not read; one that has other images by now is touched by that as well."""
    return str(said.get("detail", "DICOMweb has other images of it than Orthanc"))


@dataclass(frozen=True, slots=True)
class _Stored:
    """A series as Orthanc has it: `series` and `study` are its answers, `files` the MD5 of each instance's file."""

    unit: str
    seen: float
    series: Mapping[str, Any]
    study: Mapping[str, Any]
    files: Mapping[str, str]
    digest: str
    is_told: bool
    traceparent: str
