"""A volume by positions: order, tilt, uneven spacing, and what is no volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from inference.volume import NotEvaluable, volume_of
from tests.inference.service import slices


def _stack(**more: Any) -> list[Dataset]:
    values = np.arange(4)[:, None, None] * np.ones((4, 6, 5))
    return slices("stack", values, spacing=(2.0, 1.0, 0.5), modality="CT", **more)


def test_slices_are_sorted_by_position_and_rescaled() -> None:
    images = _stack(RescaleSlope=2, RescaleIntercept=-10)
    volume = volume_of([images[index] for index in (2, 0, 3, 1)])
    assert volume.values[:, 0, 0].tolist() == [-10, -8, -6, -4]
    assert volume.instances == tuple(one.SOPInstanceUID for one in images)
    assert volume.place((1.5, 2, 4)) == (2.0, 2.0, 3.0)


def test_uneven_slices_have_the_volume_that_lies_between_them() -> None:
    images = _stack()
    for one, height in zip(images, (0, 2, 4, 10), strict=True):
        one.ImagePositionPatient = [0, 0, height]
    volume = volume_of(images)
    assert volume.voxel_volumes.tolist() == [1.0, 1.0, 2.0, 3.0]
    assert volume.place((2.5, 0, 0)) == (0.0, 0.0, 7.0)


def test_a_tilted_gantry_shifts_places_and_not_volumes() -> None:
    images = _stack()
    angle = np.deg2rad(20)
    for index, one in enumerate(images):
        one.ImageOrientationPatient = [1, 0, 0, 0, float(np.cos(angle)), float(-np.sin(angle))]
        one.ImagePositionPatient = [0, 0, 3.0 * index]  # the table moves straight up
    volume = volume_of(images)
    assert volume.thicknesses == pytest.approx([3 * np.cos(angle)] * 4)
    assert volume.place((2.5, 0, 0)) == pytest.approx((0.0, 0.0, 7.5))


def _set(keyword: str, value: Any, index: int = 1) -> Any:
    def change(images: list[Dataset]) -> None:
        setattr(images[index], keyword, value)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(_set("ImagePositionPatient", None), "geometry_missing", id="no-position"),
        pytest.param(_set("ImagePositionPatient", [0, 0, 4.0]), "geometry_inconsistent", id="one-place-twice"),
        pytest.param(_set("ImageOrientationPatient", [0, 1, 0, 0, 0, 1]), "geometry_inconsistent", id="a-localizer"),
        pytest.param(_set("PixelSpacing", [1.0, 1.0]), "geometry_inconsistent", id="another-spacing"),
        pytest.param(_set("NumberOfFrames", 2), "geometry_inconsistent", id="frames"),
        pytest.param(_set("PixelData", b"\0\0"), "pixels_unreadable", id="pixels-cut-off"),
        pytest.param(lambda images: images.__delitem__(slice(2, None)), "geometry_inconsistent", id="two-slices"),
    ],
)
def test_what_is_no_volume_says_why(change: Any, reason: str) -> None:
    images = _stack()
    change(images)
    with pytest.raises(NotEvaluable) as refused:
        volume_of(images)
    assert refused.value.reason == reason
