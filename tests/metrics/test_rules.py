"""What is shipped for Prometheus and Grafana, judged by promtool and compared with the pages."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from neuronova.platform.layout import REPOSITORY
from tests.metrics.shipped import DASHBOARDS, OBSERVABILITY, alerts, configuration
from tests.patience import PATIENCE

RULES = OBSERVABILITY / "rules"
NAMES = [rule["alert"] for rule in alerts()]


def promtool(*arguments: object) -> str:
    done = subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=RULES
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_takes_the_rules() -> None:
    assert f"SUCCESS: {len(NAMES)} rules found" in promtool("check", "rules", "--lint-fatal", "alerts.yml")


def test_promtool_takes_the_configuration(tmp_path: Path) -> None:
    key, file = tmp_path / "metrics.key", tmp_path / "prometheus.yml"
    key.write_text("k")
    file.write_text(configuration(8080, key))
    assert "SUCCESS" in promtool("check", "config", "--lint-fatal", file)


def test_each_alert_fires_when_it_should_and_is_quiet_when_not() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")
    tested = [one["name"] for one in yaml.safe_load((RULES / "alerts_test.yml").read_text())["tests"]]
    assert sorted(tested) == sorted(f"{name} {how}" for name in NAMES for how in ("fires", "is quiet"))


@pytest.mark.parametrize("rule", alerts(), ids=NAMES)
def test_an_alert_says_what_to_do(rule: dict[str, object]) -> None:
    labels, annotations = rule["labels"], rule["annotations"]
    assert isinstance(labels, dict) and isinstance(annotations, dict)
    assert labels["severity"] in ("warning", "critical")
    assert ". " in annotations["summary"]  # what is, and what to do
    page, _, name = annotations["runbook"].partition("#")
    text = (REPOSITORY / page).read_text()
    (section,) = re.findall(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert f"`{rule['alert']}`" in section
    assert "**Look:**" in section and "**Do:**" in section


def test_each_run_book_is_of_an_alert() -> None:
    named = {rule["annotations"]["runbook"].partition("#")[2] for rule in alerts()}
    assert set(re.findall(r"^## (.+)$", (REPOSITORY / "docs" / "runbooks.md").read_text(), re.M)) == named


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: str(file.stem))
def test_a_dashboard_is_whole(file: Path) -> None:
    board = json.loads(file.read_text())
    assert board["uid"] and board["title"].startswith("NeuroNova: ")
    assert {one["name"] for one in board["templating"]["list"]} == {"datasource"}
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert panel["title"] and panel["targets"] and place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_there_is_a_dashboard_for_each_field() -> None:
    assert [file.stem for file in DASHBOARDS] == ["access", "archive", "outbox-ai", "overview"]
