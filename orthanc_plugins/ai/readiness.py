"""Whether all images of a series have arrived: pure functions of what its images say."""

from __future__ import annotations

from neuronova.contract.ai.attributes import Attribute, attribute_of, values_of
from neuronova.contract.ai.series import MOST_INSTANCES, Series

_IMAGES_IN_ACQUISITION = attribute_of("ImagesInAcquisition")
_ACQUISITION_NUMBER = attribute_of("AcquisitionNumber")
_NUMBER_OF_SLICES = attribute_of("NumberOfSlices")
_NUMBER_OF_TEMPORAL_POSITIONS = attribute_of("NumberOfTemporalPositions")
_NUMBER_OF_FRAMES = attribute_of("NumberOfFrames")


def expected_images(series: Series) -> int | None:
    """Return how many images a series is to have, by what all of them say; None where they do not tell.

    - Images in Acquisition (0020,1002) counts an acquisition's images: it tells where the series has one acquisition.
    - Number of Slices (0054,0081) counts those of one volume; with Number of Temporal Positions (0020,0105) there are
      as many volumes. Temporal positions alone tell nothing.
    - A value that differs between images, is missing in one, or is below what is stored tells nothing. Where both tell
      and differ, the larger does: what comes late is judged anew, and what is judged early is work in vain.
    - Multi-frame images (C.7.6.6) count frames, so the number of objects cannot be known from them.
    """
    if any((frames or 1) > 1 for frames in _all(series, _NUMBER_OF_FRAMES)):
        return None
    counts = [_images_of_acquisition(series), _slices(series)]
    stored = len(series.instances)
    telling = [count for count in counts if count is not None and stored <= count <= MOST_INSTANCES]
    return max(telling, default=None)


def _images_of_acquisition(series: Series) -> int | None:
    one_acquisition = len(set(_all(series, _ACQUISITION_NUMBER))) == 1
    return _same(series, _IMAGES_IN_ACQUISITION) if one_acquisition else None


def _slices(series: Series) -> int | None:
    slices = _same(series, _NUMBER_OF_SLICES)
    if slices is None:
        return None
    if set(_all(series, _NUMBER_OF_TEMPORAL_POSITIONS)) == {None}:
        return slices
    positions = _same(series, _NUMBER_OF_TEMPORAL_POSITIONS)
    return None if positions is None else slices * positions


def _same(series: Series, attribute: Attribute) -> int | None:
    """Return the one whole number above 0 that every image has."""
    found = set(_all(series, attribute))
    value = found.pop() if len(found) == 1 else None
    return int(value) if value is not None and value >= 1 and value == int(value) else None


def _all(series: Series, attribute: Attribute) -> list[float | None]:
    return [float(values[0]) if (values := values_of(one, attribute)) else None for one in series.instances]
