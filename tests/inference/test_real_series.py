"""The models on real series, where they are beside the repository; they are not part of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydicom import dcmread

from neuronova.platform.layout import REPOSITORY
from tests.inference.service import Inference
from tests.server import Server

FOLDER = Path(os.environ.get("SAMPLE_DICOM", REPOSITORY.parent / "shared" / "dicom"))


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the real series are not here")
@pytest.mark.parametrize(
    ("series", "model", "least", "most"),
    [("ct-head", "ct-hyperdensity", 1300, 1450), ("mr-t1w", "t1w-volumes", 1700, 1900)],
)
def test_a_real_series(service: Inference, orthanc: Server, series: str, model: str, least: float, most: float) -> None:
    images = [dcmread(path) for path in sorted((FOLDER / series).glob("*.dcm"))]
    for path in sorted((FOLDER / series).glob("*.dcm")):
        orthanc.upload(path.read_bytes())
    answer = service.ask(service.request(f"real-{series}", model, images))
    assert answer.status_code == 202, answer.text
    job = service.ended(f"real-{series}")
    assert job["status"] == "succeeded", job
    assert least < job["result"]["measurements"][0]["value"] < most
    assert job["result"]["mask"]["shape"][0] == len(images)
