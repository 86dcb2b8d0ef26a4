"""All people of a busy morning at once, for a time: locust's in a process of their own, and the modalities."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from neuronova.platform.layout import REPOSITORY
from proof.chaos.ledger import Ledger
from proof.chaos.working import Shift, working
from proof.hospital import MODALITIES, Hospital
from proof.load.archive import ARCHIVE
from proof.load.targets import CLERKS, Measured, read, read_failures
from proof.parts import processor_time, summed
from tests.running import ADMIN_PASSWORD

_PEOPLE = Path(__file__).with_name("people.py")


@dataclass(frozen=True, slots=True)
class Morning:
    """What was measured: people's requests by name, why some failed, how the modalities fared, processors' seconds."""

    requests: dict[str, Measured]
    failures: dict[str, int]
    modalities: Counter[str]
    processor: dict[str, float]


def crowd(hospital: Hospital, folder: Path, radiologists: int, seconds: float, pace: float = 1.0) -> Morning:
    """Have all of them work for a time on what `filled` left in `folder`; `pace` is how many times slower they are."""
    shift = Shift(hospital, Ledger(), "m", 3.0 * pace, threading.Event(), threading.Event())
    before = summed(hospital.platform.pids(), processor_time)
    with working(shift, MODALITIES, 0, seed=1):
        _run_locust(hospital, folder, radiologists, seconds, pace)
    after = summed(hospital.platform.pids(), processor_time)
    return Morning(
        read(folder / "load_stats.csv"),
        read_failures(folder / "load_failures.csv"),
        shift.ledger.asked,
        {part: after[part] - before.get(part, 0.0) for part in after},
    )


def _run_locust(hospital: Hospital, folder: Path, radiologists: int, seconds: float, pace: float) -> None:
    variables = {"PROOF_ARCHIVE": str(folder / ARCHIVE), "PROOF_PASSWORD": ADMIN_PASSWORD, "PROOF_PACE": str(pace)}
    users = radiologists + CLERKS
    words = ["-f", str(_PEOPLE), "--headless", "--host", hospital.platform.url, "--csv", str(folder / "load")]
    words += ["--users", str(users), "--spawn-rate", str(max(1, users // 30)), "--run-time", f"{seconds:.0f}s"]
    # Errors are counted and told: they are no reason for an exit code of locust's own.
    words += ["--stop-timeout", "10", "--exit-code-on-error", "0", "--only-summary", "--reset-stats"]
    with (folder / "locust.log").open("wb") as log:
        subprocess.run(
            [sys.executable, "-m", "locust", *words],
            env=os.environ | variables,
            cwd=REPOSITORY,
            stdout=log,
            stderr=log,
            check=True,
        )
