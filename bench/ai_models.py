"""What each model takes: seconds from the request to its end, and memory, on synthetic and real heads."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from pydicom import Dataset, dcmread

from bench.ai_service import orthanc_and_service
from bench.report import Result, Row
from tests.conftest import REAL_SERIES
from tests.inference.service import Inference, head_ct
from tests.inference.t1w import head_t1w
from tests.synthetic import part10

LIMIT = 30.0  # seconds


def models() -> Iterator[Result]:
    """Yield a row for each model and series; nothing else is done meanwhile."""
    with orthanc_and_service() as (orthanc, service):
        for number, (model, what, images) in enumerate(_series()):
            for image in images:
                orthanc.upload(part10(image))
            yield _row(service, model, what, images, f"bench-{number:04}")


def _series() -> Iterator[tuple[str, str, list[Dataset]]]:
    yield "ct-hyperdensity", "synthetic", head_ct("models-ct", bleeding=True)
    yield "t1w-volumes", "synthetic", head_t1w("models-t1w")
    for model, name in (("ct-hyperdensity", "ct-head"), ("t1w-volumes", "mr-t1w")):
        folder = REAL_SERIES / name
        if folder.is_dir():
            yield model, f"real {name}", [dcmread(path) for path in sorted(folder.glob("*.dcm"))]


def _row(service: Inference, model: str, what: str, images: list[Dataset], key: str) -> Row:
    began = time.perf_counter()
    service.ask(service.request(key, model, images)).raise_for_status()
    job = service.ended(key, 300)
    took = time.perf_counter() - began
    if job["status"] != "succeeded":
        raise RuntimeError(f"{model} on {what} ended {job['status']}: {job.get('reason')}")
    told = service.get("/metrics").text
    found = re.search(rf'^neuronova_inference_peak_bytes\{{model="{model}"\}} (\S+)$', told, re.MULTILINE)
    peak = float(found[1]) / 1e6 if found else 0.0
    shape = " x ".join(map(str, (images[0].Columns, images[0].Rows, len(images))))
    return Row(
        what=f"AI: {model}, {what} ({shape}), from the request to its end",
        against=f"{LIMIT:.0f} s",
        ours=took,
        peer=LIMIT,
        unit="s",
        ratio=took / LIMIT,
        target=1.0,
        at_most=True,
        note=f"(the model's process: {job['result']['seconds']:.1f} s, {peak:,.0f} MB at its peak)",
    )
