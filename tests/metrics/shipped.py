"""What the repository ships for Prometheus and Grafana, and what its pages say of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from neuronova.platform.layout import REPOSITORY

OBSERVABILITY = REPOSITORY / "observability"
DASHBOARDS = sorted((OBSERVABILITY / "grafana" / "dashboards").glob("*.json"))
_NAME = re.compile(r"\b(?:neuronova|orthanc)_[a-z0-9_]+")


@dataclass(frozen=True)
class Documented:
    """A row of docs/metrics.md."""

    name: str
    type: str
    labels: frozenset[str]


def alerts() -> list[dict[str, Any]]:
    """Return the alert rules."""
    text = (OBSERVABILITY / "rules" / "alerts.yml").read_text()
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def documented() -> dict[str, Documented]:
    """Return the metrics that the page names."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|(.*?)\| .+\|$", (REPOSITORY / "docs" / "metrics.md").read_text(), re.M)
    return {name: Documented(name, kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def expressions() -> Iterator[tuple[str, str]]:
    """Yield where each expression stands, and the expression."""
    for rule in alerts():
        yield f"alert {rule['alert']}", rule["expr"]
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{file.stem}: {panel['title']}", target["expr"]


def names_in(expression: str) -> set[str]:
    """Return the series that an expression asks for."""
    return set(_NAME.findall(expression))


def configuration(port: int, key: Path) -> str:
    """Return the shipped configuration for a platform's port and key, asking each second or two."""
    text = (OBSERVABILITY / "prometheus.yml").read_text()
    filled = {
        "127.0.0.1:8080": f"127.0.0.1:{port}",
        "../var/keys/metrics.key": str(key),
        "rules/alerts.yml": str(OBSERVABILITY / "rules" / "alerts.yml"),
        "scrape_interval: 30s": "scrape_interval: 2s",
        "scrape_timeout: 10s": "scrape_timeout: 2s",
        "evaluation_interval: 30s": "evaluation_interval: 2s",
    }
    for shipped, here in filled.items():
        assert shipped in text
        text = text.replace(shipped, here)
    return text
