"""The models that come with the platform: their folders, their digests, their gates."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.modelling import BadModel, digest_of, load, models_in
from inference.starting import OWN_MODELS
from inference.volume import NotEvaluable, volume_of
from tests.inference.service import slices


def test_each_says_what_it_is_for_and_has_a_page() -> None:
    models = models_in(OWN_MODELS)
    assert set(models) == {"ct-hyperdensity", "t1w-volumes"}
    for one in models.values():
        assert "not for diagnosis" in one.limits[0]
        assert one.gates
        assert one.model.id in (one.folder / "README.md").read_text()


def test_the_networks_are_those_on_record() -> None:
    folder = OWN_MODELS / "t1w_volumes"
    page = (folder / "README.md").read_text()
    for name in ("bbox.onnx", "mask.onnx"):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() in page


def test_a_digest_is_of_all_that_is_run(tmp_path: Path) -> None:
    shutil.copytree(OWN_MODELS / "ct_hyperdensity", tmp_path / "a")
    before = digest_of(tmp_path / "a")
    (tmp_path / "a" / "README.md").write_text("another page")
    assert digest_of(tmp_path / "a") == before
    with (tmp_path / "a" / "model.py").open("a") as file:
        file.write("\n")
    assert digest_of(tmp_path / "a") != before


def test_two_models_of_one_id_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(OWN_MODELS / "ct_hyperdensity", tmp_path / name)
    with pytest.raises(BadModel, match="which another model has"):
        models_in(tmp_path)


def _brain_like(count: int = 90, **more: Any) -> Any:
    values = np.zeros((count, 90, 90))
    known = {"SeriesDescription": "t1 mprage"} | more
    return volume_of(slices("t1", values, spacing=(1.8, 1.8, 1.8), modality="MR", **known))


@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        pytest.param({"count": 30}, "wrong_geometry", id="few-slices"),
        pytest.param({"SeriesDescription": "T2 tse"}, "not_t1w", id="t2"),
        pytest.param({"EchoTime": 90}, "not_t1w", id="long-echo"),
        pytest.param({"MRAcquisitionType": "2D"}, "not_t1w", id="two-dimensional"),
        pytest.param({"SeriesDescription": "head"}, "not_t1w", id="says-nothing"),
        pytest.param({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "geometry_inconsistent", id="not-a-stack"),
        pytest.param({}, "no_contrast", id="empty"),
    ],
)
def test_the_t1_model_refuses_what_it_is_not_made_for(volume: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotEvaluable) as refused:
        load(OWN_MODELS / "t1w_volumes")(_brain_like(**volume))
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"ContrastBolusAgent": "Iohexol"}, "contrast_agent", id="contrast"),
        pytest.param({}, "no_skull", id="no-skull"),
    ],
)
def test_the_ct_model_refuses_what_it_is_not_made_for(changes: dict[str, Any], reason: str) -> None:
    images = slices("air", np.full((30, 64, 64), -1000), spacing=(5.0, 1.2, 1.2), modality="CT", **changes)
    with pytest.raises(NotEvaluable) as refused:
        load(OWN_MODELS / "ct_hyperdensity")(volume_of(images))
    assert refused.value.reason == reason
