"""Runs one model in a child process and reads back what it found, believing none of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.modelling import Description
from neuronova.contract.inference import Result, Status
from neuronova.contract.reading_inference import BadMessage, read_result

_LARGEST_OUTCOME = 1 << 20
_LARGEST_MASK = 512 << 20
_LOOK_EVERY = 0.1  # seconds, for who stops it
# The child gets what it needs to start and no secret of the service.
_PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "TMPDIR", "HOME")
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "2")
# Transient is a server of a remote model that does not answer now.
_CHILD_STATUSES = (Status.SUCCEEDED, Status.NOT_EVALUABLE, Status.FAILED_PERMANENT, Status.FAILED_TRANSIENT)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended; `peak` is the child's largest resident memory in bytes, 0 where it could not tell."""

    status: Status
    reason: str | None = None
    detail: str | None = None
    result: Result | None = None
    peak: int = 0


STOPPED = Outcome(status=Status.FAILED_TRANSIENT, reason="stopped", detail="Nobody wants it any more.")


class Child:
    """A model's process: it loads what it needs at once, and looks at its job when it is told to."""

    def __init__(self, job: Path, description: Description) -> None:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        # The kernel ends the child if the service is killed.
        command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "inference.child"]
        self._process = subprocess.Popen(
            [*command, str(job), str(description.folder), str(description.memory)],
            env=environment | _THREADS | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def go(self) -> None:
        """Let it run."""
        pipe = self._process.stdin
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # it died, which is seen by its exit
                pipe.write(b"go\n")
                pipe.flush()

    def ended(self, seconds: float) -> int | None:
        """Wait for its end, at most `seconds`; return its exit code."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode

    def end(self) -> None:
        """Kill it, and what the model may have started itself."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()


def run_model(
    job: Path,
    description: Description,
    deadline: float,
    mask_path: str,
    stopped: threading.Event,
    child: Child | None = None,
) -> Outcome:
    """Run the model over the job's folder, at most `deadline` seconds or until `stopped`.

    Its whole process group is killed then. `child` is its process, where it was made in advance.
    """
    began = time.monotonic()
    child = child or Child(job, description)
    try:
        child.go()
        while (code := child.ended(_LOOK_EVERY)) is None:
            if stopped.is_set():
                return STOPPED
            if time.monotonic() >= began + deadline:
                late = f"Not done in {deadline:.0f} s."
                return Outcome(status=Status.FAILED_TRANSIENT, reason="deadline_exceeded", detail=late)
    finally:
        child.end()
    return read_outcome(job, description, mask_path, time.monotonic() - began, code)


def read_outcome(job: Path, description: Description, mask_path: str, seconds: float, code: int) -> Outcome:
    """Return what the child wrote, or that it wrote nothing that can be used."""
    path = job / "outcome.json"
    if code != 0 or not path.is_file():
        how = f"signal {-code}" if code < 0 else f"exit {code}"
        return Outcome(status=Status.FAILED_TRANSIENT, reason="model_crashed", detail=f"The model ended with {how}.")
    try:
        if path.stat().st_size > _LARGEST_OUTCOME:
            raise BadMessage("", "is too large")
        written = json.loads(path.read_text())
        status = Status(written["status"])
        peak = int(written.get("peak", 0))
        if status not in _CHILD_STATUSES:
            raise BadMessage("/status", "is none that a model may end with")
        if status is not Status.SUCCEEDED:
            return Outcome(status=status, reason=str(written["reason"]), detail=str(written["detail"]), peak=peak)
        return Outcome(status=status, result=_result(job, written, description, mask_path, seconds), peak=peak)
    except (BadMessage, ValueError, KeyError, TypeError, AttributeError, OSError, zipfile.BadZipFile) as odd:
        detail = str(odd) if isinstance(odd, BadMessage) else type(odd).__name__
        return Outcome(status=Status.FAILED_PERMANENT, reason="bad_output", detail=f"The model's output: {detail}")


def _result(job: Path, written: dict[str, Any], description: Description, mask_path: str, seconds: float) -> Result:
    model = description.model
    members = {name: written.get(name) for name in ("measurements", "findings", "confidence")}
    mask = written.get("mask")
    result = read_result(
        members
        | {
            "model": {"id": model.id, "version": model.version, "digest": model.digest},
            "limits": list(description.limits),
            "seconds": round(seconds, 3),
            "mask": mask and mask | {"path": mask_path},
        }
    )
    if result.mask is not None:
        _require_mask(job / "mask.npz", result.mask.shape, {one.number for one in result.mask.segments})
    return result


def _require_mask(path: Path, shape: tuple[int, int, int], known: set[int]) -> None:
    with zipfile.ZipFile(path) as archive:
        if sum(one.file_size for one in archive.infolist()) > _LARGEST_MASK:
            raise BadMessage("/mask", "is too large")
    with np.load(path, allow_pickle=False) as stored:
        mask = stored["mask"]
    if mask.shape != shape or mask.dtype != np.uint8:
        raise BadMessage("/mask", "is not of the shape that it should have")
    used = set(np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist())
    if not used <= known | {0}:
        raise BadMessage("/mask", "has values that are no segments")
