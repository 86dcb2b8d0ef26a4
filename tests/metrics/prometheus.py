"""A real Prometheus, as Debian has it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.patience import PATIENCE
from tests.server import free_ports, until


@dataclass(frozen=True)
class Prometheus:
    """Where it answers."""

    url: str

    def ask(self, path: str, **arguments: str) -> Any:
        """Return what its HTTP API says."""
        answer = requests.get(f"{self.url}/api/v1/{path}", params=arguments, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def values(self, expression: str, label: str) -> dict[str, float]:
        """Return the values of an expression by a label's value."""
        found = self.ask("query", query=expression)["result"]
        return {one["metric"].get(label, ""): float(one["value"][1]) for one in found}

    def value(self, expression: str) -> float:
        """Return the one value of an expression, 0 where there is none."""
        return sum(self.values(expression, "").values())


@contextmanager
def running_prometheus(folder: Path, configuration: str) -> Iterator[Prometheus]:
    """Run one for the length of a block."""
    file = folder / "prometheus.yml"
    file.write_text(configuration)
    (port,) = free_ports(1)
    command = [
        *("prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'series'}"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"),
    ]
    one = Prometheus(f"http://127.0.0.1:{port}")
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: process.poll() is None and _ready(one), f"Prometheus answers; {log.name}")
        yield one
    finally:
        process.kill()
        process.wait()


def _ready(one: Prometheus) -> bool:
    try:
        return requests.get(f"{one.url}/-/ready", timeout=PATIENCE).status_code == 200
    except requests.ConnectionError:
        return False
