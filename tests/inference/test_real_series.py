"""The models on real series, where they are beside the repository; they are not part of it."""

from __future__ import annotations

import pytest
from pydicom import dcmread

from tests.conftest import REAL_SERIES
from tests.inference.service import Inference
from tests.server import Server


@pytest.mark.skipif(not REAL_SERIES.is_dir(), reason="the real series are not here")
@pytest.mark.parametrize(
    ("series", "model", "least", "most"),
    [("ct-head", "ct-hyperdensity", 1300, 1450), ("mr-t1w", "t1w-volumes", 1700, 1900)],
)
def test_a_real_series(service: Inference, orthanc: Server, series: str, model: str, least: float, most: float) -> None:
    images = [dcmread(path) for path in sorted((REAL_SERIES / series).glob("*.dcm"))]
    for path in sorted((REAL_SERIES / series).glob("*.dcm")):
        orthanc.upload(path.read_bytes())
    answer = service.ask(service.request(f"real-{series}", model, images))
    assert answer.status_code == 202, answer.text
    job = service.ended(f"real-{series}")
    assert job["status"] == "succeeded", job
    assert least < job["result"]["measurements"][0]["value"] < most
    assert job["result"]["mask"]["shape"][0] == len(images)
