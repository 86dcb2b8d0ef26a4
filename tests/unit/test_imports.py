"""What a process loads before it has work: seconds and memory of each start."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("highdicom", "pydicom", "numpy", "onnxruntime", "scipy", "fpdf", "fontTools", "alembic")


@pytest.mark.parametrize("program", ["cdss_api.app", "cdss_api.worker", "cdss_api.notifications.asgi"])
def test_a_service_starts_without_what_only_results_need(program: str) -> None:
    code = f"import {program}, sys; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
