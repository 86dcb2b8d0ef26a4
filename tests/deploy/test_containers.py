"""docker-compose.yml by itself; that its containers come up is seen in tests/compose, where there is an engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from neuronova.contract.settings import read_settings
from neuronova.platform.layout import REPOSITORY
from tests.outbox.test_celery import answers
from tests.platform.test_parts import PARTS
from tests.server import free_ports, until

_ONCE = ("prepare",)  # does its work and ends
_UNASKED = ("net", "worker", "keeper", "celery")  # nothing listens in them
_OWN_SYSTEM = ("postgres",)  # writes to more than its volume


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    return found


def test_each_part_is_asked_at_its_own_port(services: dict[str, Any]) -> None:
    checks = {name: services[name]["healthcheck"] for name in PARTS}
    asked = {name: check["test"][-1].partition("/")[0] for name, check in checks.items() if "test" in check}
    settings = read_settings({})
    ports = {
        "orthanc": settings.orthanc_port,
        "api": settings.api_port,
        "notifications": settings.notifications_port,
        "inference": settings.inference_port,
        "gateway": settings.http_port,
    }
    assert asked == {name: str(port) for name, port in ports.items()}


def test_each_service_starts_again_and_has_limits(services: dict[str, Any]) -> None:
    lasting = {name: one for name, one in services.items() if name not in _ONCE}
    assert {name for name, one in lasting.items() if one["restart"] != "always"} == set()
    assert {name for name, one in lasting.items() if "mem_limit" not in one} == set()
    unasked = {name for name, one in lasting.items() if "test" not in one["healthcheck"]}
    assert unasked == set(_UNASKED)
    assert {name for name, one in lasting.items() if one.get("cap_drop") != ["ALL"]} == set(_OWN_SYSTEM)


def test_celery_comes_with_its_profile_alone(services: dict[str, Any]) -> None:
    assert {name for name, one in services.items() if "profiles" in one} == {"redis", "celery"}
    assert services["redis"]["profiles"] == services["celery"]["profiles"] == ["celery"]
    assert services["celery"]["depends_on"]["redis"] == {"condition": "service_healthy"}
    # Handed on where it is set, and none where it is not: an empty one would stop the start.
    assert services["celery"]["environment"]["NEURONOVA_BROKER_URL_FILE"] is None
    assert services["worker"]["environment"] == services["celery"]["environment"]


def test_redis_starts_on_what_the_script_writes(services: dict[str, Any], tmp_path: Path) -> None:
    script = shutil.copy(REPOSITORY / "deploy" / "compose" / "secrets.sh", tmp_path)
    subprocess.run([script], check=True)
    folder, before = tmp_path / "secrets", {}
    for file in folder.iterdir():
        before[file.name] = file.read_text()
    subprocess.run([script], check=True)
    assert {file.name: file.read_text() for file in folder.iterdir()} == before
    declared = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["secrets"]
    assert {Path(one["file"]).name for one in declared.values()} == set(before)
    settings = read_settings(
        {"NEURONOVA_DATABASE_URL": before["database_url"], "NEURONOVA_BROKER_URL": before["broker_url"]}
    )
    found = re.fullmatch(r"redis://:(?P<password>.+)@redis:6379/0", str(settings.broker_url))
    assert found is not None
    program, configuration = services["redis"]["command"]
    port = free_ports(1)[0]
    told = [program, str(folder / Path(configuration).name), "--port", str(port), "--bind", "127.0.0.1"]
    with subprocess.Popen(told, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        until(lambda: answers(port), "Redis wants a password")
        ask = ["redis-cli", "-p", str(port), "--no-auth-warning", "-a", found["password"], "ping"]
        assert subprocess.run(ask, check=True, capture_output=True, text=True).stdout == "PONG\n"
        process.terminate()
