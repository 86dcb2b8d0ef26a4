"""A series as a volume: slices in the order of their positions, with the geometry that they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.multival import MultiValue

Floats = NDArray[np.float64]

# Cosines and millimetres by which slices of one series may differ in what is written to a few decimals.
_SAME_DIRECTION = 1e-3
_SAME_PLACE = 0.01
# What models may ask of a series beside its pixels; one value, or that of the first slice.
ATTRIBUTES = (
    "Modality", "MRAcquisitionType", "ScanningSequence", "SequenceVariant", "SeriesDescription", "ImageType",
    "RepetitionTime", "EchoTime", "InversionTime", "FlipAngle", "MagneticFieldStrength", "BodyPartExamined",
    "ConvolutionKernel", "ContrastBolusAgent", "SliceThickness", "Manufacturer",
)  # fmt: skip


class NotEvaluable(Exception):
    """These images cannot be evaluated; `reason` is a stable code, the message a sentence for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Volume:
    """Values (slices, rows, columns), in the modality's unit (HU in CT), and where they are.

    `positions` (slices, 3) are the centres of each slice's first voxel, `row` and `column` the unit vectors along which
    the column and the row index grow, all in mm of the patient's coordinates (PS3.3 C.7.6.2.1.1: x to the left, y back,
    z up). `spacing` is (between rows, between columns). Slices need not be evenly spaced, nor lie right above one
    another: a tilted gantry shifts each against the one before.
    """

    values: NDArray[np.float32]
    positions: Floats
    row: Floats
    column: Floats
    spacing: tuple[float, float]
    instances: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def normal(self) -> Floats:
        """The unit vector that stands on the slices, in the direction in which they are sorted."""
        return np.asarray(np.cross(self.row, self.column))

    @property
    def heights(self) -> Floats:
        """Where each slice is along the normal, mm, increasing."""
        return np.asarray(self.positions @ self.normal)

    @property
    def thicknesses(self) -> Floats:
        """How much of the normal each slice stands for, mm: half way to both neighbours."""
        gaps = np.diff(self.heights)
        padded = np.concatenate([gaps[:1], gaps, gaps[-1:]])
        return np.asarray((padded[:-1] + padded[1:]) / 2)

    @property
    def voxel_volumes(self) -> Floats:
        """The volume of one voxel of each slice, mm3; a tilt does not change it."""
        return self.thicknesses * self.spacing[0] * self.spacing[1]

    def place(self, index: Sequence[float]) -> tuple[float, float, float]:
        """Return where (slice, row, column) is, mm; between two slices along the way from the one to the other."""
        at, row, column = index
        below = int(np.clip(np.floor(at), 0, len(self.positions) - 1))
        above = min(below + 1, len(self.positions) - 1)
        start = self.positions[below] + (at - below) * (self.positions[above] - self.positions[below])
        found = start + column * self.spacing[1] * self.row + row * self.spacing[0] * self.column
        return float(found[0]), float(found[1]), float(found[2])


def volume_of(datasets: Sequence[Dataset]) -> Volume:
    """Make a volume of single-frame images of one series, in any order.

    Raises:
        NotEvaluable: they are not slices of one stack (geometry_missing, geometry_inconsistent), or their pixels cannot
            be read (pixels_unreadable).
    """
    for one in datasets:
        _require_slice(one)
    first = datasets[0]
    row, column = _directions(first.ImageOrientationPatient)
    for one in datasets:
        same = np.allclose(_numbers(one.ImageOrientationPatient), [*row, *column], atol=_SAME_DIRECTION)
        if not same or _shape(one) != _shape(first):
            raise NotEvaluable("geometry_inconsistent", "The images are not parallel slices of one size.")
    ordered = sorted(datasets, key=lambda one: float(_numbers(one.ImagePositionPatient) @ np.cross(row, column)))
    positions = np.array([_numbers(one.ImagePositionPatient) for one in ordered])
    return checked(
        Volume(
            values=np.stack([_values(one) for one in ordered]),
            positions=positions,
            row=row,
            column=column,
            spacing=(float(first.PixelSpacing[0]), float(first.PixelSpacing[1])),
            instances=tuple(str(one.SOPInstanceUID) for one in ordered),
            attributes={name: _plain(first.get(name)) for name in ATTRIBUTES if first.get(name) not in (None, "")},
        )
    )


def checked(volume: Volume) -> Volume:
    """Return the volume.

    Raises:
        NotEvaluable: its numbers are none, or two slices lie in one place.
    """
    numbers = (volume.positions, volume.row, volume.column, np.array(volume.spacing))
    if not all(np.isfinite(one).all() for one in numbers) or min(volume.spacing) <= 0:
        raise NotEvaluable("geometry_missing", "The geometry has values that are no numbers.")
    if len(volume.positions) < 3:
        raise NotEvaluable("geometry_inconsistent", "There are fewer than three slices.")
    if np.diff(volume.heights).min() < _SAME_PLACE:
        raise NotEvaluable("geometry_inconsistent", "Two images lie in the same place.")
    return volume


def _require_slice(ds: Dataset) -> None:
    if int(ds.get("NumberOfFrames") or 1) != 1 or int(ds.get("SamplesPerPixel") or 1) != 1:
        raise NotEvaluable("geometry_inconsistent", "Only single-frame images with one sample a pixel are read.")
    for name, count in (("ImageOrientationPatient", 6), ("ImagePositionPatient", 3), ("PixelSpacing", 2)):
        value = ds.get(name)
        if value is None or not isinstance(value, MultiValue) or len(value) != count:
            raise NotEvaluable("geometry_missing", f"An image lacks {name}.")


def _directions(cosines: Sequence[Any]) -> tuple[Floats, Floats]:
    values = _numbers(cosines)
    row, column = values[:3], values[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if not np.allclose(lengths, 1, atol=0.01) or abs(row @ column) > 0.01:
        raise NotEvaluable("geometry_missing", "ImageOrientationPatient are no two unit vectors at right angles.")
    return row / lengths[0], column / lengths[1]


def _numbers(values: Sequence[Any]) -> Floats:
    return np.array([float(value) for value in values])


def _shape(ds: Dataset) -> tuple[object, ...]:
    return ds.get("Rows"), ds.get("Columns"), *(float(value) for value in ds.PixelSpacing)


def _values(ds: Dataset) -> NDArray[np.float32]:
    try:
        stored = ds.pixel_array
    except Exception as error:  # pydicom and its decoders raise whatever they like
        raise NotEvaluable("pixels_unreadable", f"An image cannot be decoded ({type(error).__name__}).") from None
    slope, intercept = float(ds.get("RescaleSlope") or 1), float(ds.get("RescaleIntercept") or 0)
    return np.asarray(stored, np.float32) * np.float32(slope) + np.float32(intercept)


def _plain(value: Any) -> Any:
    return [str(one) for one in value] if isinstance(value, MultiValue) else str(value)
