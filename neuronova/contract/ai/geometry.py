"""Whether the images of a series make a volume: the Image Plane module (PS3.3 C.7.6.2) of all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from neuronova.contract.ai.attributes import Instance, number_of, raw_values, text_of
from neuronova.contract.ai.series import Series

Vector = tuple[float, ...]

_POSITION, _ORIENTATION, _SPACING = "00200032", "00200037", "00280030"
_ROWS, _COLUMNS, _FRAMES, _FRAME_OF_REFERENCE = "00280010", "00280011", "00280008", "00200052"
_SAME_COSINE = 1e-3  # scanners write four to six digits
_SAME_SPACING = 1e-4  # mm
_SAME_PLACE = 1e-2  # mm


@dataclass(frozen=True, slots=True)
class Volume:
    """Parallel images one behind the other; all lengths in mm.

    `spacing` is Pixel Spacing (between rows, between columns). `distances` are between the corners of neighbours, one
    fewer than there are images: along the path of the slices, which a tilted gantry has at an angle to them.
    """

    spacing: tuple[float, float]
    distances: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class NoVolume:
    """Why the images make none."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Plane:
    position: Vector
    orientation: Vector
    spacing: Vector
    size: Vector
    frame: str | None


def volume_of(series: Series) -> Volume | NoVolume:
    """Return the volume that the images of a series make.

    It takes two images or more with the same orientation, Pixel Spacing, Rows, Columns and Frame of Reference, no two
    at the same place. Their distances may differ.
    """
    if len(series.instances) < 2:
        return NoVolume("one image is no volume")
    planes = []
    for instance in series.instances:
        plane = _plane(instance)
        if isinstance(plane, NoVolume):
            return plane
        planes.append(plane)
    return _stacked(planes)


def _plane(instance: Instance) -> _Plane | NoVolume:
    frames = _numbers(instance, _FRAMES)
    if frames and frames[0] > 1:
        return NoVolume("it has multi-frame images, whose geometry is not read")
    found = {}
    for name, tag, count in (
        ("Image Position (Patient)", _POSITION, 3),
        ("Image Orientation (Patient)", _ORIENTATION, 6),
        ("Pixel Spacing", _SPACING, 2),
        ("Rows", _ROWS, 1),
        ("Columns", _COLUMNS, 1),
    ):
        found[tag] = _numbers(instance, tag)
        if len(found[tag]) != count:
            return NoVolume(f"an image has no {name}")
    frame = next(iter(raw_values(instance, _FRAME_OF_REFERENCE)), None)
    size = (*found[_ROWS], *found[_COLUMNS])
    return _Plane(found[_POSITION], found[_ORIENTATION], found[_SPACING], size, text_of(frame))


def _stacked(planes: Sequence[_Plane]) -> Volume | NoVolume:
    first = planes[0]
    for plane in planes:
        if not _near(plane.orientation, first.orientation, _SAME_COSINE):
            return NoVolume("its images are not parallel")
        if not _near(plane.spacing, first.spacing, _SAME_SPACING):
            return NoVolume("its images differ in Pixel Spacing")
        if plane.size != first.size:
            return NoVolume("its images differ in Rows or Columns")
        if plane.frame != first.frame:
            return NoVolume("its images differ in Frame of Reference UID")
    normal = _cross(first.orientation[:3], first.orientation[3:])
    if not math.isclose(math.hypot(*normal), 1, abs_tol=_SAME_COSINE * 10):
        return NoVolume("its Image Orientation (Patient) is no pair of perpendicular unit vectors")
    places = sorted((_dot(normal, plane.position), plane.position) for plane in planes)
    if any(after - before < _SAME_PLACE for (before, _), (after, _) in pairwise(places)):
        return NoVolume("two of its images are at the same place")
    distances = tuple(math.dist(before, after) for (_, before), (_, after) in pairwise(places))
    return Volume((first.spacing[0], first.spacing[1]), distances)


def _numbers(instance: Instance, tag: str) -> Vector:
    return tuple(number for one in raw_values(instance, tag) if (number := number_of(one)) is not None)


def _near(one: Vector, other: Vector, tolerance: float) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
