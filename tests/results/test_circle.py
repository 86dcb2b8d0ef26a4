"""Where a finding's circle lies on its image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cdss_api.results.circling import circle_of
from neuronova.contract.inference import Measurement
from tests.results.making import finding, images

BALL = 4000.0 * math.pi / 3  # mm3, of a ball of 10 mm


def volume(value: float) -> dict[str, Any]:
    return {"measurements": (Measurement(name="Volume", value=value, unit="mL"),)}


# Pixels are 1 mm wide and 2 mm high: centre (4.5, 3.5), and a point that is a radius to its right.
CIRCLES: dict[str, tuple[dict[str, Any], float | None]] = {
    "as-large-as-a-ball": (volume(BALL / 1000), 10.0),
    "large-enough-to-be-seen": (volume(0.001), 4.0),
    "no-volume": ({"measurements": ()}, 4.0),
    "nowhere": ({"position": None}, None),
    "left-of-it": ({"position": (-1.0, 0.0, 5.0)}, None),
    "below-it": ({"position": (0.0, 24.0, 5.0)}, None),
}


@pytest.mark.parametrize(("more", "radius"), CIRCLES.values(), ids=CIRCLES.keys())
def test_circles(more: dict[str, Any], radius: float | None) -> None:
    image = images()[1]
    found = circle_of(finding(image, **more), image)
    if radius is None:
        assert found is None
    else:
        assert found is not None
        assert np.allclose(found, [[4.5, 3.5], [4.5 + radius, 3.5]])


def test_an_image_without_a_place_has_none() -> None:
    image = images()[1]
    del image.ImageOrientationPatient
    assert circle_of(finding(image), image) is None


def test_on_a_tilted_image_the_way_is_along_its_rows() -> None:
    image = images(tilt=30.0)[1]
    at = [float(one) for one in image.ImagePositionPatient]
    along = np.array(at) + 6.0 * np.array([float(one) for one in image.ImageOrientationPatient[3:]])
    found = circle_of(finding(image, position=tuple(along), measurements=()), image)
    assert found is not None
    assert np.allclose(found[0], [0.5, 3.5])
