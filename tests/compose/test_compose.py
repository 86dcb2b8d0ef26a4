"""The containers answer as `make run` does."""

from __future__ import annotations

import pytest
import requests
from pytest_docker.plugin import Services

from tests.patience import PATIENCE


@pytest.mark.timeout(1800)
def test_the_containers_come_up(docker_ip: str, docker_services: Services) -> None:
    """All is ready: where a broker is set, a worker of Celery's was heard of, too."""
    url = f"http://{docker_ip}:{docker_services.port_for('net', 8080)}"

    def up() -> bool:
        try:
            return requests.get(f"{url}/health/ready", timeout=PATIENCE).status_code == 200
        except requests.RequestException:
            return False

    docker_services.wait_until_responsive(check=up, timeout=120, pause=0.5)
    assert requests.get(f"{url}/", timeout=PATIENCE).headers["Content-Type"].startswith("text/html")
