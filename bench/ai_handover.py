"""How a volume comes to the inference service: by reference, or as JSON in the request itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import numpy as np
from pydicom import Dataset

from bench.ai_service import orthanc_and_service
from bench.report import Detail, Pairs, Result
from tests.inference.service import Inference, slices
from tests.server import Server

SIZE, COUNT = 512, 200
FITTING = 32  # slices of 512 x 512: the most values that the service takes in a request
_SPACING = (2.0, 0.5, 0.5)
_MODEL = "ct-hyperdensity"


def handover(rounds: int) -> Iterator[Result]:
    """Yield seconds until the service has taken a volume, and bytes of the request."""
    with orthanc_and_service() as (orthanc, service):
        fitting, whole = _stored(orthanc, "fitting", FITTING), _stored(orthanc, "whole", COUNT)
        seconds, taken = Pairs(), []
        for number in range(rounds):
            by_reference, size = _by_reference(service, fitting, f"fitting-{number}")
            inline, inline_size = _inline(service, number)
            seconds.add(by_reference, inline)
            taken.append(_by_reference(service, whole, f"whole-{number}")[0])
    yield seconds.row(
        f"AI: a volume of {SIZE} x {SIZE} x {FITTING} taken in by the service, by reference",
        "JSON in the request",
        "s",
        1.0,
        less_is_better=True,
        note=f"(request of {size:,} bytes against {inline_size / 1e6:.0f} MB)",
    )
    began = time.perf_counter()
    written = len(json.dumps(_values(COUNT, 0).tolist(), separators=(",", ":")))
    took = time.perf_counter() - began
    yield Detail(
        f"AI: {SIZE} x {SIZE} x {COUNT} int16 by reference: {median(taken):.2f} s, the series"
        f" fetched and checked. As JSON it would be {written / 1e6:.0f} MB, {took:.1f} s to write alone;"
        " the service refuses that."
    )


def _values(count: int, seed: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(-1000, 2000, (count, SIZE, SIZE), dtype=np.int16)


def _stored(orthanc: Server, name: str, count: int) -> list[Dataset]:
    images = slices(name, _values(count, 0), spacing=_SPACING, modality="CT")
    orthanc.send(*images)
    return images


def _by_reference(service: Inference, images: list[Dataset], key: str) -> tuple[float, int]:
    asked = service.request(f"bench-{key}", _MODEL, images)
    began = time.perf_counter()
    answer = service.ask(asked)
    took = time.perf_counter() - began
    _require_taken(service, answer.status_code, answer.json())
    return took, len(json.dumps(asked))


def _inline(service: Inference, seed: int) -> tuple[float, int]:
    asked = {
        "image_array": _values(FITTING, seed).tolist(),
        "modality": "CT",
        "metadata": {
            "PixelSpacing": _SPACING[1:],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "ImagePositionPatient": [[0, 0, _SPACING[0] * index] for index in range(FITTING)],
        },
    }
    began = time.perf_counter()
    answer = service.ask(asked, Prefer="wait=0")
    took = time.perf_counter() - began
    _require_taken(service, answer.status_code, answer.json())
    return took, len(json.dumps(asked))


def _require_taken(service: Inference, status: int, job: dict[str, Any]) -> None:
    if status != 202:
        raise RuntimeError(f"the service answered {status}: {job.get('code') or job.get('reason')}")
    service.stop(job["job_key"])
    service.ended(job["job_key"])
