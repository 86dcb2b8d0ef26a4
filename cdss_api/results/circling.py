"""Where a finding is, as a circle on its image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from neuronova.contract.inference import Finding

_SMALLEST = 4.0  # mm of radius


def circle_of(finding: Finding, image: Dataset) -> NDArray[np.float64] | None:
    """Return a finding's circle on its image: centre and a point of it, as (column, row), from 0 at the image's corner.

    It is as wide as a ball of the finding's volume, and wide enough to be seen.
    """
    if finding.position is None or image.get("ImageOrientationPatient") is None:
        return None
    cosines = np.array(image.ImageOrientationPatient, float)
    away = np.array(finding.position) - np.array(image.ImagePositionPatient, float)
    rows, columns = (float(one) for one in image.PixelSpacing)  # between rows, between columns
    centre = np.array([away @ cosines[:3] / columns, away @ cosines[3:] / rows]) + 0.5
    if not (0 <= centre[0] <= image.Columns and 0 <= centre[1] <= image.Rows):
        return None
    volume = sum(one.value for one in finding.measurements if one.unit == "mL")
    radius = max(_SMALLEST, (volume * 1000 * 3 / (4 * np.pi)) ** (1 / 3))
    return np.asarray(np.stack([centre, centre + np.array([radius / columns, 0.0])]))
