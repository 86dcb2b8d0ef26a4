"""Cerebrospinal fluid, grey and white matter by how bright they are: Atropos of ANTs (Avants et al. 2011).

Three Gaussians from a K-means start with a Markov random field; no atlas, no correction of the coil's shading.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.models.t1w_volumes.arrays import extent

Floats = NDArray[np.float32]

ANTS = "0.6.3"  # of antspyx: the model's digest stands for it
CLASSES = 3  # from dark to bright
_GRID = 2.0  # mm: of the blocks that are divided, where the images are finer
_FITTED = ("-d", "3", "-i", f"Kmeans[{CLASSES}]", "-m", "[0.2,1x1x1]", "-c", "[3,0]")
_SEEDED = ("-r", "0")  # the same images always give the same
_LEAST_VOXELS = 1000
_TAILS = (0.005, 0.995)
_SCALE = 100.0  # Atropos takes small variances for none


class NotSeparable(Exception):
    """The voxels do not fall into three classes."""


def tissues(values: Floats, mask: NDArray[np.bool_], spacing: Sequence[float]) -> NDArray[np.uint8]:
    """Return 1 for fluid, 2 for grey, 3 for white matter and 0 outside of `mask`; `spacing` is in mm, one an axis.

    Raises:
        NotSeparable: there are too few voxels, or fewer than three kinds of them.
    """
    try:
        box = extent(mask)
    except ValueError:
        raise NotSeparable from None
    inside, bright = mask[box], values[box]
    factors = [max(1, round(_GRID / one)) for one in spacing]
    weight = _blocks(inside.astype(np.float32), factors)
    coarse = _blocks(np.where(inside, bright, 0).astype(np.float32), factors) / np.maximum(weight, np.float32(1e-6))
    chances = _atropos(_scaled(coarse.astype(np.float32), weight >= 0.5), weight >= 0.5)
    labels = np.zeros(mask.shape, np.uint8)
    labels[box][inside] = 1 + np.stack([_finer(one, inside.shape, factors)[inside] for one in chances]).argmax(0)
    return labels


def _blocks(values: Floats, factors: Sequence[int]) -> Floats:
    """Return the means of blocks of `factors` voxels; what is missing at the far edges is 0."""
    padded = np.pad(values, [(0, -size % by) for size, by in zip(values.shape, factors, strict=True)])
    shape = [one for size, by in zip(padded.shape, factors, strict=True) for one in (size // by, by)]
    return np.asarray(padded.reshape(shape).mean((1, 3, 5), dtype=np.float32))


def _finer(values: Floats, shape: Sequence[int], factors: Sequence[int]) -> Floats:
    """Return the blocks' values at each voxel's centre, linearly between the centres of blocks."""
    for axis, (size, by) in enumerate(zip(shape, factors, strict=True)):
        at = np.clip((np.arange(size) + 0.5) / by - 0.5, 0, values.shape[axis] - 1)
        below = np.floor(at).astype(int)
        part = (at - below).astype(np.float32).reshape([-1 if one == axis else 1 for one in range(3)])
        above = np.minimum(below + 1, values.shape[axis] - 1)
        values = values.take(below, axis) * (1 - part) + values.take(above, axis) * part
    return values


def _scaled(values: Floats, mask: NDArray[np.bool_]) -> Floats:
    seen = values[mask]
    if seen.size < _LEAST_VOXELS:
        raise NotSeparable
    low, high = np.quantile(seen, _TAILS)
    # Vessels and other few are no class of their own.
    scaled = np.asarray(np.clip((values - low) / max(high - low, 1e-6), 0, 1) * _SCALE, np.float32)
    if np.unique(scaled[mask]).size <= CLASSES:
        raise NotSeparable
    return scaled


def _atropos(values: Floats, mask: NDArray[np.bool_]) -> list[Floats]:
    """Return the probability of each class at each voxel, 0 outside of `mask`."""
    ants = _ants()
    # ITK's images look at these arrays, whose axes it names the other way round.
    held = (np.ascontiguousarray(values), mask.astype(np.uint32), np.zeros(mask.shape, np.uint32))
    shape = mask.shape[::-1]
    images = (
        ants.fromNumpyF3(held[0], shape),
        ants.fromNumpyUI3(held[1], shape),
        ants.fromNumpyUI3(held[2], shape),
    )
    image, where, labels = map(ants.ptrstr, images)
    with TemporaryDirectory() as folder:
        written = [Path(folder) / f"{number:02}.nii" for number in range(1, 1 + CLASSES)]
        told = (*_FITTED, *_SEEDED, "-a", image, "-x", where, "-o", f"[{labels},{folder}/%02d.nii]")
        if ants.Atropos(list(told)) != 0 or not all(one.is_file() for one in written):
            raise NotSeparable
        chances = [ants.imageReadF3(str(one)) for one in written]
    return [np.asarray(ants.toNumpy(one)).view(np.float32).reshape(mask.shape).copy() for one in chances]


@cache
def _ants() -> Any:
    """Return ANTs' library alone: the package round it imports pandas, matplotlib and others, 400 MB in all."""
    if (found := version("antspyx")) != ANTS:
        raise RuntimeError(f"antspyx is {found}; this model was made with {ANTS}")
    package = find_spec("ants")
    assert package is not None  # noqa: S101 - for the type checker
    spec = PathFinder.find_spec("ants.lib", package.submodule_search_locations)
    assert spec is not None and spec.loader is not None  # noqa: S101
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
