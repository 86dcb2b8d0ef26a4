"""systemd's own judgement of the units; that they start is seen in tests/platform/test_parts.py, without systemd."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from neuronova.platform.layout import REPOSITORY
from tests.patience import PATIENCE
from tests.platform.test_parts import PARTS

UNITS = REPOSITORY / "deploy" / "systemd"
INSTALLED = "/opt/neuronova"  # where the units expect the repository
MOST_EXPOSED = 2.0  # of 10
pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def test_systemd_finds_no_fault(tmp_path: Path) -> None:
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    for unit in folder.rglob("*.*"):
        if unit.is_file():
            unit.write_text(unit.read_text().replace(INSTALLED, str(REPOSITORY)))
    done = analyze(
        "--man=no",
        "verify",
        *(str(folder / unit) for unit in ("neuronova.target", "neuronova-backup.timer")),
        path=f"{folder}:",
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "unit", ["neuronova-part@orthanc.service", "neuronova-prepare.service", "neuronova-backup.service"]
)
def test_a_unit_may_do_little_more_than_it_has_to(tmp_path: Path, unit: str) -> None:
    shutil.copytree(UNITS, tmp_path / "etc" / "systemd" / "system")
    done = analyze(f"--root={tmp_path}", "security", "--offline=true", "--no-pager", unit)
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert level is not None, done.stderr
    assert float(level[1]) <= MOST_EXPOSED


def test_the_target_has_every_part() -> None:
    wanted = re.findall(r"neuronova-part@(\w+)\.service", (UNITS / "neuronova.target").read_text())
    assert sorted(wanted) == sorted(PARTS)


def analyze(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze; `path` is where units are looked for before the system's own folders."""
    more = {} if path is None else {"SYSTEMD_UNIT_PATH": path}
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, env=os.environ | more, capture_output=True, text=True, timeout=PATIENCE, check=False)
