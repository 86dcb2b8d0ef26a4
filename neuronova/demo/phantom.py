"""A head made of ellipsoids, after Shepp and Logan, in Hounsfield units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Volume = npt.NDArray[np.int16]

AIR = -1000


@dataclass(frozen=True)
class Ellipsoid:
    """A tissue: its value, centre and half axes in units of half the volume (x to the left, y back, z up)."""

    value: int
    centre: tuple[float, float, float]
    axes: tuple[float, float, float]
    turned: float = 0.0


# Painted one over the other: skin, skull, fluid round the brain, brain, and what lies in it.
HEAD = (
    Ellipsoid(40, (0.0, 0.0, -0.05), (0.74, 0.94, 0.96)),
    Ellipsoid(1100, (0.0, 0.0, -0.05), (0.70, 0.90, 0.92)),
    Ellipsoid(8, (0.0, 0.0, -0.05), (0.655, 0.855, 0.875)),
    Ellipsoid(37, (0.0, 0.0, -0.05), (0.63, 0.83, 0.85)),  # grey matter
    Ellipsoid(29, (-0.29, -0.02, 0.0), (0.26, 0.66, 0.62), 4.0),  # white matter, right
    Ellipsoid(29, (0.29, -0.02, 0.0), (0.26, 0.66, 0.62), -4.0),
    Ellipsoid(38, (-0.19, 0.02, -0.02), (0.09, 0.20, 0.16), 12.0),  # thalamus
    Ellipsoid(38, (0.19, 0.02, -0.02), (0.09, 0.20, 0.16), -12.0),
    Ellipsoid(9, (-0.10, -0.18, 0.08), (0.05, 0.27, 0.20), 14.0),  # lateral ventricles
    Ellipsoid(9, (0.10, -0.18, 0.08), (0.05, 0.27, 0.20), -14.0),
    Ellipsoid(9, (-0.17, 0.24, 0.06), (0.06, 0.20, 0.16), -14.0),
    Ellipsoid(9, (0.17, 0.24, 0.06), (0.06, 0.20, 0.16), 14.0),
    Ellipsoid(9, (0.0, 0.05, -0.02), (0.018, 0.13, 0.13)),  # third ventricle
    Ellipsoid(120, (0.0, 0.22, 0.02), (0.025, 0.03, 0.03)),  # calcified pineal gland
    Ellipsoid(33, (0.0, 0.30, -0.52), (0.42, 0.26, 0.20)),  # cerebellum
)
HAEMATOMA = Ellipsoid(62, (-0.36, 0.10, 0.10), (0.13, 0.20, 0.16), 20.0)


def head(slices: int = 64, size: int = 256, *, with_haematoma: bool = False, seed: int = 1) -> Volume:
    """Return the volume, feet first; the same arguments give the same bytes."""
    volume = painted((*HEAD, *((HAEMATOMA,) if with_haematoma else ())), slices, size)
    # A scanner's noise: without it the images compress like a drawing.
    volume += np.random.default_rng(seed).normal(0.0, 4.0, volume.shape).astype(np.float32)
    return np.clip(np.rint(volume), -1024, 3071).astype(np.int16)


def painted(ellipsoids: Iterable[Ellipsoid], slices: int, size: int) -> npt.NDArray[np.float32]:
    """Return the volume of these, painted one over the other in air, without noise."""
    # Neither end reaches the air above or below: a viewer opens on the first slice.
    z = np.linspace(-0.78, 0.72, slices, dtype=np.float32)
    y = x = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    grid = np.meshgrid(z, y, x, indexing="ij", sparse=True)
    volume = np.full((slices, size, size), AIR, dtype=np.float32)
    for ellipsoid in ellipsoids:
        volume[_inside(ellipsoid, *grid)] = ellipsoid.value
    return volume


def _inside(
    ellipsoid: Ellipsoid, z: npt.NDArray[np.float32], y: npt.NDArray[np.float32], x: npt.NDArray[np.float32]
) -> npt.NDArray[np.bool_]:
    angle = np.deg2rad(ellipsoid.turned)
    along_x, along_y = x - ellipsoid.centre[0], y - ellipsoid.centre[1]
    turned_x = along_x * np.cos(angle) + along_y * np.sin(angle)
    turned_y = along_y * np.cos(angle) - along_x * np.sin(angle)
    distance = (
        (turned_x / ellipsoid.axes[0]) ** 2
        + (turned_y / ellipsoid.axes[1]) ** 2
        + ((z - ellipsoid.centre[2]) / ellipsoid.axes[2]) ** 2
    )
    return np.asarray(distance <= 1.0)
