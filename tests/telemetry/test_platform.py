"""Two whole platforms, one that tells everything and one as it comes: what their logs and spans say, and do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import requests

from tests.emr.conftest import server
from tests.emr.peer import line_to
from tests.jobs.hospital import ended, job_of
from tests.patience import PATIENCE
from tests.running import Platform, start
from tests.server import ENCODED, until
from tests.telemetry.collector import Collector, Taken, collector
from tests.telemetry.planting import RULES, WORDS, Echo, add_target, echo, leaks, plant, store_named

__all__ = ["server"]

pytestmark = pytest.mark.timeout(600)
KINDS = "Patient,ImagingStudy,DiagnosticReport"


class Told(NamedTuple):
    """A platform that was given everything, what it sent the collector, and what its job was."""

    platform: Platform
    collector: Collector
    echo: Echo
    job: dict[str, Any]


def _run(
    folder: Path, emr: str, taker: Collector, refuser: Echo, told: Callable[[Told], None], **settings: str
) -> Iterator[Told]:
    rules = folder / "rules.yaml"
    rules.write_text(RULES)
    known = {"NEURONOVA_AI_RULES": str(rules), "NEURONOVA_AI_QUIET_SECONDS": "1"}
    with ExitStack() as ending:
        platform = start(folder / "data", **known, **settings)
        ending.callback(platform.end)
        until(platform.healthy, f"the platform is up; {platform.output}", 200)  # two start on a busy machine
        add_target(platform, "emr", emr, "--kinds", KINDS, "--profile", "medplum")
        add_target(platform, "odd", refuser.url, "--kinds", "Patient", "--profile", "webhook")
        series = store_named(platform)
        platform.bearer()
        until(lambda: any(one["series"] == series for one in platform.get("/api/v1/jobs").json()["jobs"]), "asked")
        job = ended(platform, series, 120)
        until(lambda: _delivered(platform), "the EMR has everything")
        until(lambda: refuser.headers, "the other target refused something")
        ran = Told(platform, taker, refuser, job_of(platform, series) | job)
        told(ran)
        plant(platform)  # kills parts, with what they have not told
        yield ran


def _delivered(platform: Platform) -> bool:
    token = {"Authorization": f"Bearer {platform.bearer()}"}
    messages = requests.get(f"{platform.url}/api/v1/outbox/messages?target=emr", headers=token, timeout=PATIENCE).json()
    return bool(messages["messages"]) and all(one["state"] == "completed" for one in messages["messages"])


@pytest.fixture(scope="module")
def telling(server: str) -> Iterator[Told]:
    """A platform with traces, and JSON for its lines."""
    with TemporaryDirectory(prefix="nn") as folder, line_to(server) as line, collector() as taker, echo() as refuser:
        settings = {"NEURONOVA_LOG_FORM": "json", "NEURONOVA_TRACES": taker.url}
        yield from _run(Path(folder), line.url, taker, refuser, _until_told, **settings)


@pytest.fixture(scope="module")
def silent(server: str) -> Iterator[Told]:
    """A platform as it comes; the variable is the one by which OpenTelemetry's libraries find a collector."""
    with TemporaryDirectory(prefix="nn") as folder, line_to(server) as line, collector() as taker, echo() as refuser:
        address = {"OTEL_EXPORTER_OTLP_ENDPOINT": taker.url}
        yield from _run(Path(folder), line.url, taker, refuser, lambda _told: None, **address)


def _until_told(told: Told) -> None:
    """Wait until the collector has every span of the job's trace.

    Encoders leave the processor to others, and a busy machine leaves them little: while some come, others may.
    """
    wanting = _missing(told)
    try:
        while wanting:
            wanting = until(
                lambda: [now for now in [_missing(told)] if now != wanting],  # noqa: B023
                f"spans: {wanting}",
                ENCODED,
            )[0]
    except AssertionError as error:
        error.add_note(_said(told, "the collector", "exited", "is started again"))
        raise


def _missing(told: Told) -> dict[str, Any]:
    """Return what the collector has not been told; a process tells when it has some, a child perhaps first."""
    runs = told.collector.named("job", job=told.job["id"])
    if not runs:
        return {"job": 1}
    found = _of_trace(told, runs[0].trace)
    wanting = {
        "messages": max(0, 3 - len(_delivered_in(found))),
        "parents": {one.parent for one in found.values()} - {*found, ""},
        "encodings": max(0, 32 - len(_encoded(found))),
        "results": 1 - len(_named(found, "result")),
    }
    return {what: amount for what, amount in wanting.items() if amount}


def _of_trace(told: Told, trace: str) -> dict[str, Taken]:
    return {one.span: one for one in told.collector.of(trace)}


def _encoded(found: dict[str, Taken]) -> list[Taken]:
    return [one for one in _named(found, "encode") if one.attributes.get("outcome") == "encoded"]


def _delivered_in(found: dict[str, Taken]) -> list[Taken]:
    return [one for one in _named(found, "deliver") if one.attributes.get("target") == "emr"]


def test_a_stored_study_is_one_trace_to_its_emr_message(telling: Told) -> None:
    (run,) = telling.collector.named("job", job=telling.job["id"])
    by_id = _of_trace(telling, run.trace)

    (root,) = [one for one in by_id.values() if one.parent == ""]
    assert (root.name, root.service, root.attributes["sender"]) == ("store", "plugin", "MODALITY")
    (judged,) = _named(by_id, "judge")
    assert (judged.parent, run.parent) == (root.span, judged.span)
    stores = [one for one in _named(by_id, "store") if one.attributes.get("sender") == "MODALITY"]
    assert len(stores) == 32
    assert {one.parent for one in stores if one is not root} == {root.span}
    assert {one.service for one in _encoded(by_id)} <= {"encode", "lane"}
    assert {one.parent for one in _encoded(by_id)} == {root.span}
    (fetched,), (model,) = _named(by_id, "fetch"), _named(by_id, "model")
    assert (fetched.parent, model.parent, model.service) == (run.span, run.span, "inference")
    (result,) = _named(by_id, "result")
    delivered = by_id[result.parent]
    assert (delivered.name, delivered.attributes["target"], delivered.parent) == ("deliver", "inference", run.span)
    of_result = [one for one in _delivered_in(by_id) if one.parent == result.span]
    assert of_result, "no message of the result"
    recordings = {
        one.parent for one in _delivered_in(by_id) if one.parent != result.span
    }  # a study that grows is told again
    assert {(by_id[one].name, by_id[one].parent) for one in recordings} == {("record", root.span)}
    assert not any(one.failed for one in (root, judged, run, fetched, model, result, delivered))


def _said(told: Told, *words: str) -> str:
    """Return what the logs say of these."""
    files = sorted((told.platform.settings.data / "log").iterdir())
    lines = (f"{file.name}: {line}" for file in files for line in file.read_text(errors="replace").splitlines())
    return "\n".join(line for line in lines if any(word in line for word in words))


def _named(spans: dict[str, Taken], name: str) -> list[Taken]:
    return [one for one in spans.values() if one.name == name]


def test_a_request_is_a_trace_of_the_gateways_name(telling: Told) -> None:
    strange = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "X-Request-Id": "ef" * 16}
    for path, service, name in (
        ("/api/v1/outbox/messages", "api", "GET /api/v1/outbox/messages"),
        ("/dicom-web/studies", "plugin", "GET /dicom-web"),
    ):
        answer = telling.platform.get(path, **strange)
        request = answer.headers["X-Request-Id"]
        found: list[Taken] = until(partial(telling.collector.of, request), "its span")
        assert [(one.service, one.name, one.parent) for one in found] == [(service, name, "")]
    assert not any(one.trace in ("ab" * 16, "ef" * 16) for one in telling.collector.spans)


def test_spans_have_nothing_of_whom_they_are_about(telling: Told) -> None:
    uids = (telling.job["series"], telling.job["study"])
    sent = b"".join(telling.collector.bodies)
    for word in (*WORDS, *uids):
        assert word.encode() not in sent, word


def test_another_system_is_told_the_trace(telling: Told) -> None:
    told = {one["traceparent"].split("-")[1] for one in telling.echo.headers if "traceparent" in one}
    assert told
    until(lambda: told <= {one.trace for one in telling.collector.spans}, "the spans of what it was told")


def test_a_job_is_found_in_every_log_by_its_trace(telling: Told) -> None:
    (run,) = telling.collector.named("job", job=telling.job["id"])
    logs = telling.platform.settings.data / "log"
    for name, part in (("orthanc", "plugin"), ("inference", "inference")):
        lines = _lines(logs / f"{name}.log")
        assert [one for one in lines if one.get("trace") == run.trace and one["part"] == part], name
    request = telling.platform.get("/api/v1/nowhere").headers["X-Request-Id"]
    until(lambda: any(one["request"] == request for one in _lines(logs / "gateway.log")), "the gateway's line")


def test_every_line_of_our_own_is_json(telling: Told) -> None:
    logs = telling.platform.settings.data / "log"
    for name in ("api", "worker", "keeper", "inference", "notifications", "gateway"):
        text = (logs / f"{name}.log").read_text()
        assert [one for one in text.splitlines() if not one.startswith("{")] == [], name
    for one in _lines(logs / "api.log"):
        assert {"time", "level", "part", "logger", "message"} <= one.keys()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(errors="replace").splitlines() if line.startswith("{")]


def test_nothing_of_a_person_and_no_secret_is_in_any_log(telling: Told) -> None:
    assert leaks(telling.platform.settings.data / "log") == []


def test_neither_where_lines_are_text(silent: Told) -> None:
    assert leaks(silent.platform.settings.data / "log") == []
    assert "plugin: series " in (silent.platform.settings.data / "log" / "orthanc.log").read_text()


def test_nothing_is_sent_where_it_is_off(silent: Told) -> None:
    assert silent.collector.requests == []
    assert silent.echo.headers
    assert not any("traceparent" in one for one in silent.echo.headers)
