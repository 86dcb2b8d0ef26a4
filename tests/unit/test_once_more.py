"""What `--once-more` does with tests that fail at first and with those that fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from neuronova.platform.layout import REPOSITORY
from tests.patience import PATIENCE

PLUGINS = ("-p", "xdist", "-p", "tests.once_more")
ALONE = {"PYTHONPATH": str(REPOSITORY), "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
FILE = """
import pytest
made = []

@pytest.fixture(scope="module")
def thing():
    made.append(1)
    return len(made)

def test_before(thing):
    assert thing == 1

def test_needs_a_second(thing):
    assert thing == 2

def test_after(thing):
    assert thing == 2

def test_fails(thing):
    assert thing == 99
"""


@pytest.mark.parametrize("spread", [[], ["-n", "1"]])
def test_a_test_that_fails_has_everything_anew(tmp_path: Path, spread: list[str]) -> None:
    (tmp_path / "test_it.py").write_text(FILE)
    command = [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path), *PLUGINS, *spread, "test_it.py"]
    found = {}
    for option in ([], ["--once-more"]):
        ended = subprocess.run(
            [*command, *option],
            cwd=tmp_path,
            env=os.environ | ALONE,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.returncode == 1, ended.stdout
        assert "FAILED test_it.py::test_fails" in ended.stdout
        found[bool(option)] = ended.stdout
    assert counted(found[False]) == {"passed": 1, "failed": 3}
    assert counted(found[True]) == {"passed": 3, "failed": 1, "again": 2}
    assert "test_needs_a_second (call)" in found[True]
    assert "assert 1 == 2" in found[True]


def counted(output: str) -> dict[str, int]:
    """Return pytest's summary."""
    (*_, last) = output.strip().splitlines()
    return {name: int(number) for number, name in re.findall(r"(\d+) (passed|failed|again)", last)}
