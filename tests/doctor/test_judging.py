"""What each check says of what it found."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cdss_api.health.side_by_side import SideBySide
from neuronova.doctor import clock, disk, limits, ports, versions, weak_settings
from neuronova.doctor.backups import last_backup
from neuronova.doctor.checkup import findings_of
from neuronova.doctor.finding import Finding, Outcome
from neuronova.doctor.health import look_at_health, parts
from neuronova.doctor.rights import look_at_rights
from neuronova.doctor.tables import connections, postgresql
from neuronova.platform.layout import Layout, make_folders
from neuronova.platform.programs import PLUGINS, find_programs
from tests.server import free_ports, settings_for
from tests.serving import serving

NOW = 1_800_000_000.0
DAY = 86400.0


@pytest.mark.parametrize(
    ("judged", "outcome"),
    [
        (lambda: versions.debian({"ID": "debian", "VERSION_ID": "12"}), "ok"),
        (lambda: versions.debian({"ID": "ubuntu", "VERSION_ID": "24.04"}), "warning"),
        (lambda: versions.debian({}), "warning"),
        (lambda: postgresql(130021), "ok"),
        (lambda: postgresql(120022), "warning"),
        (lambda: connections(100, 2), "ok"),
        (lambda: connections(100, 3), "warning"),
        (lambda: versions.orthanc("Orthanc 1.12.7"), "ok"),
        (lambda: versions.orthanc("Orthanc 1.9.7"), "failed"),
        (lambda: versions.orthanc(""), "failed"),
        (lambda: versions.interpreter(sys.version_info.minor), "ok"),
        (lambda: versions.interpreter(sys.version_info.minor + 1), "failed"),
        (lambda: versions.interpreter(None), "warning"),
        (lambda: limits.open_files(-1, -1), "ok"),
        (lambda: limits.open_files(16384, 524288), "ok"),
        (lambda: limits.open_files(1024, 524288), "warning"),
        (lambda: limits.open_files(256, 524288), "failed"),
        (lambda: disk.sync_speed([0.001, 0.002, 0.5]), "ok"),
        (lambda: disk.sync_speed([0.06, 0.07, 0.08]), "warning"),
        (lambda: clock.synchronised("yes"), "ok"),
        (lambda: clock.synchronised("no"), "warning"),
        (lambda: clock.synchronised(""), "skipped"),
        (lambda: clock.skew("x", formatdate(NOW), NOW), "ok"),
        (lambda: clock.skew("x", formatdate(NOW - 1), NOW + 0.9), "ok"),
        (lambda: clock.skew("x", formatdate(NOW - 30), NOW), "warning"),
        (lambda: clock.skew("x", formatdate(NOW + 300), NOW), "failed"),
        (lambda: clock.skew("x", None, NOW), "skipped"),
        (lambda: clock.skew("x", "yesterday", NOW), "skipped"),
        (lambda: last_backup(NOW - DAY / 2, NOW), "ok"),
        (lambda: last_backup(NOW - 2 * DAY, NOW), "warning"),
        (lambda: last_backup(NOW - 8 * DAY, NOW), "failed"),
        (lambda: last_backup(None, NOW), "failed"),
        (lambda: parts({"data": {"status": "ok", "milliseconds": 1.5}})[0], "ok"),
        (lambda: parts({"data": {"status": "down", "detail": "full"}})[0], "failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_outcomes(judged: Callable[[], Finding], outcome: str) -> None:
    found = judged()
    assert found.outcome.value == outcome, found
    assert bool(found.advice) == (outcome in ("warning", "failed"))


def test_inodes() -> None:
    few = os.statvfs_result((4096, 4096, 100, 50, 50, 1000, 10, 10, 0, 255))
    unlimited = os.statvfs_result((4096, 4096, 100, 50, 50, 0, 0, 0, 0, 255))
    assert disk.inodes(few).outcome is Outcome.FAILED
    assert disk.inodes(unlimited).outcome is Outcome.OK


def test_the_python_that_orthanc_embeds_is_read_from_its_plugin() -> None:
    assert versions.embedded_python(find_programs().plugins / PLUGINS[0]) == sys.version_info.minor


def test_a_port_that_somebody_else_holds_fails(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with socket.create_server(("127.0.0.1", settings.api_port)):
        found = {one.name: one for one in ports.look_at_ports(settings, ports.answering(settings))}
    assert found.pop("NEURONOVA_API_PORT").outcome is Outcome.FAILED
    assert {one.outcome for one in found.values()} == {Outcome.OK}


@pytest.mark.parametrize(
    ("changes", "has_accounts", "named"),
    [
        ({"BIND": "0.0.0.0"}, False, ["NEURONOVA_BIND"]),
        ({"BIND": "0.0.0.0", "PUBLIC_URL": "http://pacs.example.org"}, False, ["NEURONOVA_BIND"]),
        ({"BIND": "0.0.0.0", "PUBLIC_URL": "https://pacs.example.org"}, False, ["settings"]),
        ({"BIND": "::1"}, False, ["settings"]),
        ({"ADMIN_PASSWORD": "twelve letters"}, False, ["settings"]),
        ({"ADMIN_PASSWORD": "twelve letters"}, True, ["NEURONOVA_ADMIN_PASSWORD"]),
        ({"AUDIT_REQUIRED": "no", "LOG_LEVEL": "DEBUG"}, True, ["NEURONOVA_AUDIT_REQUIRED", "NEURONOVA_LOG_LEVEL"]),
    ],
    ids=["open", "open-http", "behind-tls", "loopback", "first-start", "password-left", "audit-and-log"],
)
def test_weak_settings(tmp_path: Path, changes: dict[str, str], has_accounts: bool, named: list[str]) -> None:
    settings = settings_for(tmp_path, **{f"NEURONOVA_{name}": value for name, value in changes.items()})
    found = weak_settings.look_at_settings(settings, has_accounts=has_accounts)
    assert [one.name for one in found] == named
    assert "twelve letters" not in str(found)


def test_keys_and_folders_are_their_owners_alone(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    make_folders(layout)
    key = layout.data / "keys" / "signing" / "one.pem"
    key.parent.mkdir()
    key.touch(0o600)
    assert {one.outcome for one in look_at_rights(layout, os.geteuid())} == {Outcome.OK}
    key.chmod(0o640)
    (layout.data / "journal").chmod(0o755)
    odd = [one for one in look_at_rights(layout, os.geteuid()) if one.outcome is Outcome.FAILED]
    assert [one.name for one in odd] == ["folders", "keys"]
    assert str(key) in odd[1].found
    stranger = look_at_rights(layout, os.geteuid() + 1)[0]
    assert stranger.outcome is Outcome.WARNING


class Healthy(BaseHTTPRequestHandler):
    """An API that says of one part that it is well."""

    def do_GET(self) -> None:
        body = json.dumps({"parts": {"data": {"status": "ok"}}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


def test_the_platform_is_asked_past_the_machines_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_ports(1)[0]}")
    with serving(HTTPServer(("127.0.0.1", 0), Healthy)) as api:
        (found,) = look_at_health(f"http://127.0.0.1:{api.server_port}")
    assert (found.name, found.outcome) == ("part data", Outcome.OK)


def test_a_check_that_hangs_or_breaks_is_told_and_holds_up_no_other() -> None:
    def breaks() -> list[Finding]:
        raise ZeroDivisionError

    done = threading.Event()

    def hangs() -> list[Finding]:
        done.wait(60)
        return []

    began = time.monotonic()
    outcomes = SideBySide({"hangs": hangs, "breaks": breaks}, 0.2).run()
    found = [one for name, outcome in outcomes.items() for one in findings_of(name, outcome, 0.2)]
    assert time.monotonic() - began < 50
    done.set()
    assert [(one.name, one.outcome) for one in found] == [("hangs", Outcome.FAILED), ("breaks", Outcome.FAILED)]
    assert "ZeroDivisionError" in found[1].found
