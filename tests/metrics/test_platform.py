"""A whole platform watched by a real Prometheus with what the repository ships."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.audit.collector import make_certificate
from tests.dicomweb.wire import instance_path
from tests.metrics.prometheus import Prometheus, running_prometheus
from tests.metrics.shipped import configuration, documented, expressions, names_in
from tests.patience import PATIENCE
from tests.running import Platform, running_platform
from tests.server import ENCODED, Server, free_ports, until
from tests.signals import frozen
from tests.synthetic import ct_slice

PARTS = ("api", "orthanc", "notifications", "inference")
SLICES = 3
JPHC = 'multipart/related; type="image/jphc"'
OCTETS = 'multipart/related; type="application/octet-stream"'
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # Short, for the supervisor's socket lies in it.
    with TemporaryDirectory(prefix="nn") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def platform(folder: Path) -> Iterator[Platform]:
    """A platform whose collector of audit records is away, so that this is told, too."""
    authority = make_certificate(folder)
    (nobody,) = free_ports(1)
    changes = {"NEURONOVA_SYSLOG": f"127.0.0.1:{nobody}", "NEURONOVA_SYSLOG_CA": str(authority)}
    with running_platform(folder / "data", **changes) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(platform: Platform, folder: Path) -> Iterator[Prometheus]:
    settings = platform.settings
    with running_prometheus(folder, configuration(settings.http_port, settings.metrics_key_file)) as running:
        until(lambda: running.values("up", "part") == dict.fromkeys(PARTS, 1.0), "all parts are up")
        yield running


def scraped(platform: Platform, part: str) -> str:
    key = platform.settings.metrics_key_file.read_text()
    answer = requests.get(
        f"{platform.url}/metrics/{part}", headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.text


def test_the_key_is_its_owners_alone(platform: Platform) -> None:
    assert platform.settings.metrics_key_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("path", ["/metrics", *(f"/metrics/{part}" for part in PARTS)])
@pytest.mark.parametrize("key", [None, "wrong", "wrong but as long as the key is, or thereabouts"])
def test_without_the_key_nothing_is_told(platform: Platform, path: str, key: str | None) -> None:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    answer = requests.get(platform.url + path, headers=headers, timeout=PATIENCE)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "neuronova_" not in answer.text


def test_the_parts_own_ports_ask_for_a_credential(platform: Platform) -> None:
    settings, key = platform.settings, platform.settings.metrics_key_file.read_text()
    notifications = f"http://127.0.0.1:{settings.notifications_port}/metrics"
    for url in (f"{settings.orthanc_url}/neuronova/metrics", notifications, f"{settings.inference_url}/metrics"):
        for headers in ({}, {"Authorization": f"Bearer {key}"}, {"X-Neuronova-Token": key}):
            answer = requests.get(url, headers=headers, timeout=PATIENCE)
            assert answer.status_code in (401, 403), url
            assert "neuronova_" not in answer.text


def test_the_gateway_tells_its_own_machine_only(platform: Platform) -> None:
    port, key = platform.settings.http_port, platform.settings.metrics_key_file.read_text()
    statuses = {}
    for source in ("127.0.0.1", "127.0.0.2"):  # the second is none of those that are let in
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE, source_address=(source, 0))
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        statuses[source] = (answer.status, answer.headers["Content-Type"])
        connection.close()
    assert statuses["127.0.0.1"][0] == 200
    assert statuses["127.0.0.2"] == (403, "application/problem+json")


def test_what_arrives_is_counted_and_encoded(platform: Platform, prometheus: Prometheus) -> None:
    platform.allow("MODALITY")
    slices = [ct_slice(number, study="metrics") for number in range(1, SLICES + 1)]

    def sent() -> bool:
        try:
            Server(platform.settings).send(*slices)
        except AssertionError:  # Orthanc does not know the modality yet
            return False
        return True

    until(sent, "the modality may send")
    stored = 'neuronova_ingest_instances_total{source="MODALITY"}'
    until(lambda: prometheus.value(stored) == SLICES, "what came is counted")
    assert prometheus.value('neuronova_ingest_bytes_total{source="MODALITY"}') > SLICES * 64 * 64 * 2
    until(
        lambda: prometheus.value('neuronova_encode_instances{status="encoded"}') == SLICES, "all are encoded", ENCODED
    )
    assert prometheus.value("neuronova_encode_ratio") > 1
    until(lambda: prometheus.value("orthanc_count_instances") == SLICES, "Orthanc tells the same of itself")
    until(lambda: prometheus.value("neuronova_studies_unreported") == 1, "the study waits for a report")


def test_frames_are_counted_by_what_was_negotiated(platform: Platform, prometheus: Prometheus) -> None:
    path = f"/dicom-web/{instance_path(ct_slice(1, study='metrics'))}/frames/1"
    for accept, times in ((JPHC, 3), (OCTETS, 2)):
        for _ in range(times):
            assert platform.get(path, Accept=accept).status_code == 200
    assert platform.get(path, Accept="image/png").status_code == 406
    wanted = {"image/jphc": 3.0, "application/octet-stream": 2.0}
    until(lambda: prometheus.values("neuronova_frames_served_total", "media_type") == wanted, "frames are counted")
    syntaxes = prometheus.values('neuronova_frames_served_total{media_type="image/jphc"}', "transfer_syntax")
    assert syntaxes == {"1.2.840.10008.1.2.4.202": 3.0}
    counted = 'neuronova_dicomweb_seconds_count{what="frames"}'
    until(lambda: prometheus.values(counted, "status") == {"2xx": 5.0, "4xx": 1.0}, "answers are counted")


def test_decisions_are_counted(platform: Platform, prometheus: Prometheus) -> None:
    decisions = "sum by (reason) (neuronova_access_decisions_total)"
    before = prometheus.values(decisions, "reason")
    for _ in range(4):
        assert requests.get(f"{platform.url}/dicom-web/studies", timeout=PATIENCE).status_code == 401
    for _ in range(3):
        assert platform.get("/dicom-web/studies").status_code == 200

    def grown(reason: str) -> float:
        return prometheus.values(decisions, "reason").get(reason, 0.0) - before.get(reason, 0.0)

    until(lambda: grown("no-token") == 4, "refusals are counted")
    until(lambda: grown("role") >= 3, "what was allowed is counted")
    assert set(prometheus.values("neuronova_access_decisions_total", "outcome")) == {"allowed", "refused"}
    assert prometheus.value("neuronova_access_decision_seconds_count") >= 7


def test_requests_are_counted_by_route_and_never_by_path(platform: Platform, prometheus: Prometheus) -> None:
    for path in ("/api/v1/reports/1.2.3.4.5", "/api/v1/no/such/route"):
        assert platform.get(path).status_code in (401, 403, 404)
    counted = "sum by (route) (neuronova_api_request_seconds_count)"
    until(lambda: prometheus.values(counted, "route").get("/api/v1/reports/<study>"), "the route is counted")
    routes = prometheus.values(counted, "route")
    assert routes["other"] >= 1
    assert not any("1.2.3" in route or "no/such" in route for route in routes)


def test_the_page_names_every_metric_and_no_other(platform: Platform, prometheus: Prometheus) -> None:
    until(lambda: prometheus.values("neuronova_audit_faults", "") == {"": 0.0}, "the trail was verified")
    found = {}
    for part in PARTS:
        for family in text_string_to_metric_families(scraped(platform, part)):
            if family.name.startswith("neuronova_"):
                assert family.documentation
                found[family.name] = family
    named = documented()
    assert set(found) == set(named)
    for name, family in found.items():
        assert family.type == named[name].type, name
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == named[name].labels, name


def test_alerts_and_dashboards_ask_for_what_there_is(platform: Platform, prometheus: Prometheus) -> None:
    exposed = {
        name + suffix
        for part in PARTS
        for family in text_string_to_metric_families(scraped(platform, part))
        for name in (family.name,)
        for suffix in _SUFFIXES.get(family.type, ("",))
    }
    asked = 0
    for where, expression in expressions():
        assert names_in(expression) <= exposed, where
        prometheus.ask("query", query=expression)
        asked += 1
    assert asked > 50


def test_every_rule_is_evaluated(prometheus: Prometheus) -> None:
    def evaluated() -> bool:
        rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        return len(rules) > 15 and all(rule["health"] == "ok" for rule in rules)

    until(evaluated, "all rules are evaluated")
    assert not prometheus.value('ALERTS{alertstate="firing",severity="critical"}')


def test_a_part_that_hangs_is_down_and_holds_up_nothing(platform: Platform, prometheus: Prometheus) -> None:
    with stopped(platform, "inference.wsgi"):
        began = time.monotonic()
        answer = requests.get(f"{platform.url}/health/ready", timeout=PATIENCE)
        assert time.monotonic() - began < 20
        report = answer.json()["parts"]
        assert answer.status_code == 503
        assert {name for name, part in report.items() if part["status"] != "ok"} == {"inference"}
        assert report["inference"]["detail"].startswith("no answer in ")
        assert all({"milliseconds", "age_seconds"} <= set(part) for name, part in report.items() if name != "api")
        until(lambda: prometheus.values("up", "part")["inference"] == 0, "it is down to Prometheus")
        assert {name for name, up in prometheus.values("up", "part").items() if up} == set(PARTS) - {"inference"}
    until(lambda: prometheus.values("up", "part")["inference"] == 1, "it is up again")


def stopped(platform: Platform, word: str) -> AbstractContextManager[None]:
    """Have the processes whose command has a word do nothing for the length of a block."""
    pids = [pid for pid, command in platform.pids().items() if word in command]
    assert pids
    return frozen(pids)
