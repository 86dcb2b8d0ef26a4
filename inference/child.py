"""`python -m inference.child JOB MODEL MEMORY`: one model on one volume, in a process that may be killed at any moment.

It loads the model, waits for a line on its standard input, for its images may still be on their way, and begins. JOB
is the job's folder: `input/` with DICOM files or `inline.npz`; what is found goes to `outcome.json` and `mask.npz`.
Nothing here is believed by the service: it reads both again as it reads what comes from outside.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pydicom

from inference.inline import load_inline
from inference.modelling import load
from inference.output import Output
from inference.remote import Refused, Unreachable
from inference.volume import NotEvaluable, Volume, volume_of
from neuronova.contract.inference import Status

_MEBIBYTE = 1 << 20
_LARGEST_FILE = 512 * _MEBIBYTE


def main(job: Path, model: Path, memory: int) -> None:
    """Write the outcome; whatever goes wrong is an outcome too."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory * _MEBIBYTE,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)  # storing and reading images come first
    with suppress(Exception):  # what is wrong with it is told as the outcome of the job
        load(model)
    if not sys.stdin.readline():
        return  # nobody wants it any more
    outcome = _outcome(job, model)
    outcome["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    partial = job / "outcome.json.part"
    partial.write_text(json.dumps(outcome))
    partial.rename(job / "outcome.json")


def _outcome(job: Path, model: Path) -> dict[str, Any]:
    try:
        volume = _volume(job)
        output = load(model)(volume)
        return {"status": Status.SUCCEEDED.value, **_written(job, volume, output)}
    except NotEvaluable as error:
        return {"status": Status.NOT_EVALUABLE.value, "reason": error.reason, "detail": str(error)}
    except Unreachable as error:
        detail = f"The model's server does not answer ({error})."
        return {"status": Status.FAILED_TRANSIENT.value, "reason": "server_unavailable", "detail": detail}
    except Refused as error:
        return _failed("bad_answer", f"{error}.")
    except MemoryError:
        return _failed("out_of_memory", "The model needs more memory than it may have.")
    except Exception as error:
        # Libraries in C++ say it in words of their own.
        if "bad_alloc" in str(error) or "llocat" in str(error):
            return _failed("out_of_memory", "The model needs more memory than it may have.")
        last = traceback.extract_tb(error.__traceback__)[-1]
        return _failed("model_error", f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}")


def _failed(reason: str, detail: str) -> dict[str, Any]:
    return {"status": Status.FAILED_PERMANENT.value, "reason": reason, "detail": detail}


def _volume(job: Path) -> Volume:
    inline = job / "inline.npz"
    return load_inline(inline) if inline.exists() else volume_of(list(_datasets(job / "input")))


def _datasets(folder: Path) -> Iterator[pydicom.Dataset]:
    for path in sorted(folder.iterdir()):
        try:
            yield pydicom.dcmread(path)
        except Exception as error:  # a broken file can raise anything
            raise NotEvaluable("unreadable", f"An object is no readable DICOM ({type(error).__name__}).") from None


def _written(job: Path, volume: Volume, output: Output) -> dict[str, Any]:
    found: dict[str, Any] = {
        "measurements": [asdict(one) for one in output.measurements],
        "findings": [_named(asdict(one), inline=(job / "inline.npz").exists()) for one in output.findings],
        "confidence": output.confidence,
    }
    if output.mask is None:
        return found
    if output.mask.shape != volume.values.shape or output.mask.dtype != np.uint8:
        raise ValueError("the mask is not of the volume's shape and of bytes")
    np.savez_compressed(
        job / "mask.npz",
        mask=output.mask,
        instances=np.array(volume.instances, dtype=np.str_),
        positions=volume.positions,
        row=volume.row,
        column=volume.column,
        spacing=np.array(volume.spacing),
    )
    segments = [asdict(one) for one in output.segments]
    return found | {"mask": {"shape": list(output.mask.shape), "segments": segments}}


def _named(finding: dict[str, Any], *, inline: bool) -> dict[str, Any]:
    # The images of an array are of no stored object.
    return finding | ({"instance": None} if inline else {})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
