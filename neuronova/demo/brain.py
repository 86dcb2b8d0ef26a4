"""A T1-weighted head: fat and white matter bright, grey matter between, fluid and bone dark; in any unit, as MR is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Volume = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]

_FAT, _FACE, _MUSCLE, _BONE, _FLUID = 800, 480, 420, 90, 170
_GREY, _WHITE, _DEEP, _CEREBELLUM, _LEAVES, _STEM, _EYE = 520, 780, 600, 540, 740, 720, 130
_BASE = -25.0  # mm, where the brain rests
_NOISE = 18.0
_COIL = 0.1  # how much brighter it is 100 mm further back


def t1w(shape: Sequence[int], spacing: float, *, seed: int = 1) -> Volume:
    """Return the volume (slice, row, column), feet first, of voxels with edges of `spacing` mm.

    About 180 x 210 x 180 mm are needed to hold the head. The same arguments give the same bytes.
    """
    z, y, x = np.meshgrid(
        *(((np.arange(count) - (count - 1) / 2) * spacing).astype(np.float32) for count in shape),
        indexing="ij",
        sparse=True,
    )
    head = _Head(x, y, z)
    volume = np.zeros(tuple(shape), np.float32)
    head.paint_outside(volume)
    head.paint_brain(volume)
    head.paint_inside(volume)
    volume *= 1 + _COIL * y / 100
    # A scanner's noise, which is also what keeps the networks from seeing a drawing.
    volume += np.random.default_rng(seed).normal(0.0, _NOISE, volume.shape).astype(np.float32)
    return np.clip(np.rint(volume), 0, 4095).astype(np.int16)


class _Head:
    """Places in mm from the middle: x to the left, y back, z up."""

    def __init__(self, x: Floats, y: Floats, z: Floats) -> None:
        self._x, self._y, self._z = x, y, z

    def paint_outside(self, volume: Floats) -> None:
        volume[(self._column((0, 15), (52, 60)) < 1) & (self._z < -10)] = _MUSCLE
        volume[self._from((0, -55, -50), (55, 45, 70)) < 1] = _FACE
        volume[self._from((0, 0, 18), (78, 98, 88)) < 1] = _FAT
        volume[self._from((0, 0, 18), (74, 94, 84)) < 1] = _BONE
        volume[self._from((0, 0, 18), (68, 88, 78)) < 1] = _FLUID

    def paint_brain(self, volume: Floats) -> None:
        x, y, z = self._x, self._y, self._z
        away = self._from((0, 0, 20), (65, 84, 70))
        # Folds: the surface goes in and out every few millimetres.
        folds = 0.05 * (np.sin(x / 4) * np.sin(y / 4.5) + np.sin(y / 5 + z / 4) * np.sin(z / 4.2))
        between = (np.abs(x) < 1.5) & (z > 20)
        volume[(away + np.maximum(folds, 0) < 1) & (z > _BASE) & ~between] = _GREY
        volume[(away + 2.5 * folds < 0.86) & (z > _BASE + 9) & (np.abs(x) > 3)] = _WHITE
        volume[self._from((0, 0, 20), (12, 40, 16)) < 1] = _WHITE  # corpus callosum

    def paint_inside(self, volume: Floats) -> None:
        cerebellum = self._from((0, 45, -38), (48, 30, 22))
        volume[cerebellum < 1] = _CEREBELLUM
        volume[cerebellum + 0.15 * np.sin(self._z / 1.5 + self._y / 6) < 0.7] = _LEAVES
        volume[(self._column((0, 14), (13, 13)) < 1) & (self._z < 0) & (self._z > -75)] = _STEM
        for side in (-1, 1):
            volume[self._from((14 * side, -8, 24), (7, 32, 12)) < 1] = _FLUID  # lateral ventricle
            volume[self._from((18 * side, 10, 10), (10, 17, 11)) < 1] = _DEEP  # thalamus
            volume[self._from((30 * side, -75, -30), (13, 13, 13)) < 1] = _EYE

    def _from(self, centre: tuple[float, float, float], axes: tuple[float, float, float]) -> Floats:
        """Return the distance from a centre in half axes of an ellipsoid."""
        places = zip((self._x, self._y, self._z), centre, axes, strict=True)
        squares = sum(((place - middle) / axis) ** 2 for place, middle, axis in places)
        return np.sqrt(np.asarray(squares, np.float32))

    def _column(self, centre: tuple[float, float], axes: tuple[float, float]) -> Floats:
        """Return the same for an upright cylinder."""
        across = ((self._x - centre[0]) / axes[0]) ** 2 + ((self._y - centre[1]) / axes[1]) ** 2
        return np.sqrt(np.asarray(across, np.float32))
