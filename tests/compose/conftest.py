"""Docker Compose, where a Docker engine answers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from neuronova.platform.layout import REPOSITORY
from tests.patience import PATIENCE


def _engine() -> str | None:
    """Return why no Docker engine can be used, or None."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    done = subprocess.run(["docker", "info"], check=False, capture_output=True, text=True, timeout=PATIENCE)
    return None if done.returncode == 0 else "no Docker engine answers"


@pytest.fixture(scope="session", autouse=True)
def docker_engine() -> None:
    """Skip where there is no engine, before pytest-docker asks for one."""
    reason = _engine()
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def docker_compose_file() -> Path:
    """Return the file that pytest-docker brings up, its passwords made; with Celery, so that nothing is left out."""
    os.environ |= {"COMPOSE_PROFILES": "celery", "NEURONOVA_BROKER_URL_FILE": "/run/secrets/broker_url"}
    subprocess.run([REPOSITORY / "deploy" / "compose" / "secrets.sh"], check=True)
    return REPOSITORY / "docker-compose.yml"
