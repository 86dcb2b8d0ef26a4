"""docker-compose.yml by itself; that its containers come up is seen in tests/compose, where there is an engine."""

from __future__ import annotations

import yaml

from neuronova.contract.settings import read_settings
from neuronova.platform.layout import REPOSITORY
from tests.platform.test_parts import PARTS


def test_each_part_is_asked_at_its_own_port() -> None:
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
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
