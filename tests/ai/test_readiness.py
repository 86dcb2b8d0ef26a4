"""How many images a series is to have, by what its images say."""

from __future__ import annotations

from typing import Any

import pytest

from neuronova.contract.ai.attributes import attribute_of
from neuronova.contract.ai.series import Series
from orthanc_plugins.ai.readiness import expected_images


def image(**values: Any) -> dict[str, Any]:
    return {attribute_of(keyword).tag: {"vr": "IS", "Value": [value]} for keyword, value in values.items()}


def series(*images: dict[str, Any]) -> Series:
    return Series(images)


def same(count: int, **values: Any) -> Series:
    return series(*[image(**values)] * count)


CASES: dict[str, tuple[Series, int | None]] = {
    "nothing is said": (same(3), None),
    "images in acquisition": (same(3, ImagesInAcquisition=20), 20),
    "as text": (same(3, ImagesInAcquisition="20"), 20),
    "all are there": (same(20, ImagesInAcquisition=20), 20),
    "fewer than are stored": (same(21, ImagesInAcquisition=20), None),
    "one acquisition": (same(3, ImagesInAcquisition=20, AcquisitionNumber=4), 20),
    "two acquisitions": (
        series(
            image(ImagesInAcquisition=20, AcquisitionNumber=1),
            image(ImagesInAcquisition=20, AcquisitionNumber=2),
        ),
        None,
    ),
    "images differ": (series(image(ImagesInAcquisition=20), image(ImagesInAcquisition=21)), None),
    "an image says nothing": (series(image(ImagesInAcquisition=20), image()), None),
    "no number": (same(3, ImagesInAcquisition="many"), None),
    "half an image": (same(3, NumberOfSlices=4.5), None),
    "none": (same(3, ImagesInAcquisition=0), None),
    "too many": (same(3, ImagesInAcquisition=2_000_000_000), None),
    "slices": (same(3, NumberOfSlices=30), 30),
    "slices at each temporal position": (same(3, NumberOfSlices=30, NumberOfTemporalPositions=5), 150),
    "temporal positions alone": (same(3, NumberOfTemporalPositions=5), None),
    "temporal positions differ": (
        series(
            image(NumberOfSlices=30, NumberOfTemporalPositions=5),
            image(NumberOfSlices=30, NumberOfTemporalPositions=6),
        ),
        None,
    ),
    "one image has no temporal positions": (
        series(image(NumberOfSlices=30, NumberOfTemporalPositions=5), image(NumberOfSlices=30)),
        None,
    ),
    "both tell": (same(3, NumberOfSlices=30, ImagesInAcquisition=60), 60),
    "one of two is below what is stored": (same(40, NumberOfSlices=30, ImagesInAcquisition=60), 60),
    "frames": (same(1, NumberOfSlices=30, NumberOfFrames=30), None),
    "one frame": (same(1, NumberOfSlices=30, NumberOfFrames=1), 30),
}


@pytest.mark.parametrize(("stored", "expected"), CASES.values(), ids=CASES)
def test_how_many_images_are_to_come(stored: Series, expected: int | None) -> None:
    assert expected_images(stored) == expected
