"""The audit trail's keeper on a real platform: forwarding that outlives a kill, and settings that are refused."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neuronova.audit.checkpoints import last_checkpoint
from neuronova.audit.status import public_keys
from neuronova.audit.trail import Trail
from tests.audit.collector import Listener, listening, make_certificate
from tests.platform.test_running import refused
from tests.running import Platform, environment
from tests.server import free_ports, until


def test_every_record_comes_to_the_collector(start_platform: Callable[..., Platform], tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    (port,) = free_ports(1)
    platform = start_platform(
        NEURONOVA_SYSLOG=f"127.0.0.1:{port}",
        NEURONOVA_SYSLOG_CA=str(certificate),
        NEURONOVA_SYSLOG_CERTIFICATE=str(certificate),
    )
    platform.login()
    until(lambda: told(platform)["unsent"] > 0, "the lag is told while the collector is away")
    with listening(certificate, port) as listener:
        until(lambda: told(platform)["unsent"] == 0, "the collector catches up")
        before = logins(listener)
        assert before
        killed = platform.pid_of("neuronova.audit.keeper")
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        platform.login()
        until(lambda: logins(listener) > before, "the record of a login while no keeper ran")
        assert platform.pid_of("neuronova.audit.keeper") != killed
    assert platform.stop() == 0
    trail = Trail(platform.settings.data)
    last = last_checkpoint(trail.checkpoints, public_keys(trail))
    assert last is not None
    assert {tip.writer for tip in last.tips} == {"api", "cli", "keeper", "orthanc"}


def told(platform: Platform) -> dict[str, Any]:
    found: dict[str, Any] = platform.get("/health").json()["parts"]["audit"]
    return found


def logins(listener: Listener) -> int:
    return sum('csd-code="110122"' in message for message in listener.found())


@pytest.mark.parametrize(
    ("name", "content"), [("CA", None), ("CA", "no certificate"), ("CERTIFICATE", None), ("CERTIFICATE", "no key")]
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, name: str, content: str | None) -> None:
    file = tmp_path / "file.pem"
    if content is not None:
        file.write_text(content)
    variables = {"NEURONOVA_SYSLOG": "logs.example.org", f"NEURONOVA_SYSLOG_{name}": str(file)}
    assert f"NEURONOVA_SYSLOG_{name}" in refused(environment(tmp_path / "data", **variables))
