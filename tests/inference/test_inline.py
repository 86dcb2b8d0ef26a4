"""Small arrays in the request itself."""

from __future__ import annotations

from typing import Any

import pytest

from neuronova.demo.phantom import head
from tests.inference.service import Inference

GEOMETRY = {
    "PixelSpacing": [2.3, 2.3],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "ImagePositionPatient": [[0, 0, 9 * index] for index in range(16)],
}


def _head(**metadata: Any) -> dict[str, Any]:
    return {"image_array": head(16, 80).tolist(), "modality": "CT", "metadata": GEOMETRY | metadata}


def test_a_gate_ends_with_its_reason_and_no_prediction(service: Inference) -> None:
    answer = service.ask(_head(), Prefer="wait=20")
    found = answer.json()
    assert (answer.status_code, found["status"], found["reason"]) == (200, "not_evaluable", "wrong_geometry"), found
    assert found["predictions"] is None
    assert found["confidence"] is None


def test_predictions_are_the_models(service: Inference) -> None:
    volume = head(24, 140)
    geometry = GEOMETRY | {
        "PixelSpacing": [1.35, 1.35],
        "ImagePositionPatient": [[0, 0, 6 * index] for index in range(24)],
    }
    asked = {"image_array": volume.tolist(), "modality": "CT", "metadata": geometry}
    answer = service.ask(asked, Prefer="wait=20")
    found = answer.json()
    assert answer.status_code == 200, found
    assert found["status"] == "succeeded", found
    assert found["inference_id"] == found["job_key"]
    assert found["predictions"][0]["unit"] == "mL"
    assert 1400 < found["predictions"][0]["value"] < 1800
    assert found["confidence"] is None  # a rule has none, and none is made up
    again = service.ask(asked)
    assert again.json() == found


def test_who_does_not_wait_is_told_where_to_look(service: Inference) -> None:
    answer = service.ask(_head(SeriesDescription="other"), Prefer="wait=0")
    if answer.status_code == 202:
        assert service.get(answer.headers["Location"]).json()["inference_id"] == answer.json()["inference_id"]
    assert service.ended(answer.json()["job_key"])["status"] == "not_evaluable"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"metadata": {}}, "geometry_missing", id="no-geometry"),
        pytest.param({"metadata": GEOMETRY | {"PixelSpacing": ["a", "b"]}}, "geometry_missing", id="no-numbers"),
        pytest.param({"metadata": GEOMETRY | {"PixelSpacing": [0, 0]}}, "geometry_missing", id="no-size"),
        pytest.param(
            {"metadata": GEOMETRY | {"ImagePositionPatient": [[0, 0, 0]] * 16}}, "geometry_inconsistent", id="one-place"
        ),
        pytest.param({"modality": "XR"}, "no_model", id="no-model"),
        pytest.param({"modality": "XR", "image_array": [[1, 2], [3, 4]]}, "geometry_missing", id="flat"),
    ],
)
def test_nothing_is_predicted_without_geometry_or_model(
    service: Inference, changes: dict[str, Any], reason: str
) -> None:
    answer = service.ask(_head() | changes)
    found = answer.json()
    assert (answer.status_code, found["status"], found["reason"]) == (200, "not_evaluable", reason), found
    assert found["predictions"] is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"image_array": [[1, 2], [3]]}, id="ragged"),
        pytest.param({"image_array": "pixels"}, id="text"),
        pytest.param({"image_array": []}, id="empty"),
        pytest.param({"image_array": [[[1e99, "x"]]]}, id="mixed"),
        pytest.param({"modality": "US"}, id="modality"),
        pytest.param({"modality": None}, id="no-modality"),
        pytest.param({"metadata": []}, id="metadata"),
        pytest.param({"deadline": -1}, id="deadline"),
    ],
)
def test_what_is_no_array_is_refused(service: Inference, changes: dict[str, Any]) -> None:
    answer = service.ask(_head() | changes)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
