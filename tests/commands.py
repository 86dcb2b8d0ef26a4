"""The command line as a person types it, on the database of these tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.running import NEURONOVA, ambient

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(variables: dict[str, str], tmp_path: Path) -> Command:

    def run(*words: str, given: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [NEURONOVA, *words],
            env=ambient() | variables,
            cwd=tmp_path,
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    return run
