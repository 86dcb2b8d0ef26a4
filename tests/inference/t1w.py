"""A synthetic T1-weighted head of which it is known what each voxel is."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from neuronova.demo.phantom import AIR, HEAD, painted
from tests.inference.service import slices

SIZE, COUNT = 192, 144
SPACING = (1.0, 1.0, 1.0)  # mm
# By what each ellipsoid has in the head CT: what it is (0 for no brain), and how bright it is in T1.
_SKIN, _SKULL = 40, 1100
_BRIGHT = {AIR: 5, _SKIN: 330, _SKULL: 20, 8: 60, 37: 140, 29: 200, 38: 140, 9: 60, 120: 140, 33: 140}
_TISSUE = {8: 1, 9: 1, 37: 2, 38: 2, 33: 2, 120: 2, 29: 3}
NOISE = 8.0


@cache
def truth() -> NDArray[np.uint8]:
    """Return 1 for fluid, 2 for grey and 3 for white matter, feet first; the skull's fluid is the brain's here."""
    return _kept(_mapped(_TISSUE).astype(np.uint8))


@cache
def brightness() -> NDArray[np.int16]:
    """Return the images, with a scanner's noise; always the same."""
    noise = np.random.default_rng(5).normal(0, NOISE, (COUNT, SIZE, SIZE))
    return _kept(np.clip(np.rint(_mapped(_BRIGHT) + noise), 0, 4000).astype(np.int16))


def head_t1w(name: str) -> list[Dataset]:
    """Return a transverse series."""
    known = {"SeriesDescription": "t1 mprage", "MRAcquisitionType": "3D"}
    return slices(name, brightness(), spacing=SPACING, modality="MR", **known)


def _kept(made: NDArray[Any]) -> NDArray[Any]:
    made.flags.writeable = False  # several tests have it
    return made


def _mapped(values: dict[int, int]) -> NDArray[np.float32]:
    drawn = painted(HEAD, COUNT, SIZE)
    mapped = np.zeros_like(drawn)
    for value, made in values.items():
        mapped[drawn == value] = made
    return mapped
