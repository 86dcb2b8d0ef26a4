"""Which images make a volume."""

from __future__ import annotations

from typing import Any

import pytest

from neuronova.contract.ai.geometry import NoVolume, Volume, volume_of
from tests.ai.heads import as_series, changed, ct_head


def test_a_volume_in_any_order_with_a_tilted_gantry() -> None:
    images = ct_head(5)
    for place, image in zip((0, 3, 6, 13, 20), images, strict=True):
        image.ImageOrientationPatient = [1, 0, 0, 0, 0.8, -0.6]
        image.ImagePositionPatient = [0, 0, place]
    found = volume_of(as_series([images[index] for index in (3, 0, 4, 2, 1)]))
    assert isinstance(found, Volume)
    assert found.spacing == (0.5, 0.5)
    assert sorted(found.distances) == [3, 3, 7, 7]


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("ImageOrientationPatient", [1, 0, 0, 0, 0.99, -0.14], "not parallel"),
        ("ImagePositionPatient", [-16, -16, 6.0], "at the same place"),
        ("ImagePositionPatient", None, "no Image Position (Patient)"),
        ("ImagePositionPatient", [1, 2], "no Image Position (Patient)"),
        ("PixelSpacing", [0.5, 0.6], "Pixel Spacing"),
        ("Rows", 17, "Rows or Columns"),
        ("FrameOfReferenceUID", "1.2.3", "Frame of Reference"),
        ("NumberOfFrames", 3, "multi-frame"),
    ],
)
@pytest.mark.parametrize("at", [1, 3])
def test_no_volume(keyword: str, value: Any, reason: str, at: int) -> None:
    found = volume_of(changed(4, at, keyword, value))
    assert isinstance(found, NoVolume)
    assert reason in found.reason


def test_what_is_no_pair_of_axes_is_no_volume() -> None:
    found = volume_of(as_series(ct_head(3, ImageOrientationPatient=[0, 0, 0, 0, 0, 0])))
    assert isinstance(found, NoVolume)
    assert volume_of(as_series(ct_head(1))) == NoVolume("one image is no volume")
