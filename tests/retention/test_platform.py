"""The whole platform: what a rule would delete is listed and planned, and a hold keeps it from every hand."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests

from tests.patience import PATIENCE
from tests.running import NEURONOVA, Platform, running_platform
from tests.server import Server, until
from tests.synthetic import ct_slice

RULES = """rules:
  - name: old-ct
    keep_days: 1
    since: study_date
    then: delete
    copied_to: nowhere
    conditions:
      - all: Modality
        equals: CT
      - any: SourceApplicationEntityTitle
        equals: MODALITY
"""
STUDY = ct_slice(1, study="kept", series="kept")


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with TemporaryDirectory(prefix="nn") as folder:
        rules = Path(folder) / "retention.yaml"
        rules.write_text(RULES)
        with running_platform(Path(folder) / "data", NEURONOVA_RETENTION_RULES=str(rules)) as running:
            running.allow("MODALITY")
            STUDY.StudyDate = "20200101"
            Server(running.settings).send(STUDY)
            yield running


def neuronova(platform: Platform, *words: str) -> subprocess.CompletedProcess[str]:
    environment = platform.environment | {"COLUMNS": "300"}
    return subprocess.run(
        [NEURONOVA, "retention", *words], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def asked(platform: Platform, method: str, path: str, who: str = "admin", **body: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {platform.login(who)['access_token']}"}
    return requests.request(method, platform.url + path, headers=headers, json=body or None, timeout=PATIENCE)


def listed(platform: Platform) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asked(platform, "GET", "/api/v1/retention/due").json()["studies"]
    return found


def test_what_leaves_is_listed_planned_and_kept_by_a_hold(platform: Platform) -> None:
    uid = str(STUDY.StudyInstanceUID)
    until(lambda: asked(platform, "GET", "/api/v1/studies").json()["total"] == 1, "the API knows the study")
    checked = neuronova(platform, "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "no errors; rules: old-ct" in checked.stdout
    planned = neuronova(platform, "plan")
    assert planned.returncode == 0, planned.stderr
    assert uid in planned.stdout
    assert "1 studies with" in planned.stdout
    worker = platform.pid_of("cdss_api.worker")
    assert worker is not None
    os.kill(worker, signal.SIGKILL)  # a worker looks when it has started, and then each hour
    (due,) = until(lambda: listed(platform), "the study is listed")
    assert (due["study"], due["rule"], due["kept"], due["images"]) == (uid, "old-ct", None, 1)
    assert due["leaves_at"] > due["due_at"]  # for it is announced first

    orthanc = asked(platform, "GET", "/orthanc/studies").json()[0]
    placed = asked(platform, "POST", "/api/v1/holds", study=uid, reason="Claim 7 of 2026, a letter")
    assert placed.status_code == 201, placed.text

    def refused() -> bool:
        answer = asked(platform, "DELETE", f"/orthanc/instances/{orthanc}")  # of nothing: it says whether it is told
        held = asked(platform, "POST", f"/orthanc/studies/{orthanc}/modify", Replace={"PatientName": "X"})
        return answer.status_code == 404 and held.status_code == 409

    until(refused, "Orthanc knows of the hold")
    answer = asked(platform, "DELETE", f"/orthanc/studies/{orthanc}")
    assert (answer.status_code, answer.json()["code"]) == (409, "legal-hold")
    assert asked(platform, "GET", f"/orthanc/studies/{orthanc}").status_code == 200
    assert "it is under legal hold" in neuronova(platform, "plan").stdout
    (study,) = asked(platform, "GET", "/api/v1/studies").json()["studies"]
    assert study["held"] is True
    (due,) = listed(platform)
    assert (due["leaves_at"], due["kept"]) == (None, "it is under legal hold")

    platform.add_user("second", "admin")
    lifted = f"/api/v1/holds/{placed.json()['number']}/lift"
    assert asked(platform, "POST", lifted, reason="It was settled.").json()["code"] == "own_hold"
    assert asked(platform, "POST", lifted, "second", reason="It was settled.").status_code == 200
    until(lambda: asked(platform, "DELETE", f"/orthanc/studies/{orthanc}").ok, "Orthanc knows that it is lifted")

    def departures() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = asked(platform, "GET", "/api/v1/retention/departures").json()["departures"]
        return found

    (gone,) = until(departures, "that it left is written down")
    assert (gone["study"], gone["rule"], gone["state"]) == (uid, "", "left")
    assert listed(platform) == []


def test_a_file_that_is_wrong_is_said_line_by_line(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES.replace("keep_days: 1", "keep_days: some"))
    found = neuronova(platform, "check", str(file))
    assert found.returncode == 1
    assert f"{file}:3: some is not a whole number from 1 to 36525" in found.stderr
    file.write_text(RULES.replace("nowhere", "ELSEWHERE"))
    assert "ELSEWHERE is no modality that may store" in neuronova(platform, "check", str(file)).stderr
