"""Cerebrospinal fluid, grey and white matter by how bright they are: three Gaussians and a Markov random field.

That is the model which Atropos (Avants et al. 2011) fits with its K-means start, written anew: no atlas, no
correction of the coil's shading. Neighbours speak for one another with their probabilities (mean field), not with their
labels alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CLASSES = 3  # from dark to bright
_GRID = 1.5  # mm: of the voxels that the classes are fitted on, where the images are finer
_FIELD = 0.2  # what a neighbour that is sure adds to the logarithm of a class's probability
_ROUNDS, _FIELD_ROUNDS, _NEAR = 60, 12, 1e-3
_LEAST_VOXELS = 1000
_TAILS = (0.005, 0.995)


class NotSeparable(Exception):
    """The voxels do not fall into three classes."""


def tissues(values: Floats, mask: NDArray[np.bool_], spacing: Sequence[float]) -> NDArray[np.uint8]:
    """Return 1 for fluid, 2 for grey, 3 for white matter and 0 outside of `mask`; `spacing` is in mm, one an axis.

    Raises:
        NotSeparable: there are too few voxels, or fewer than three kinds of them.
    """
    box = tuple(slice(int(found.min()), int(found.max()) + 1) for found in np.nonzero(mask)) if mask.any() else None
    if box is None:
        raise NotSeparable
    inside, bright = mask[box], values[box]
    factors = [max(1, round(_GRID / one)) for one in spacing]
    weight = _blocks(inside.astype(np.float32), factors)
    coarse = _blocks(np.where(inside, bright, 0).astype(np.float32), factors) / np.maximum(weight, np.float32(1e-6))
    chances = _chances(coarse.astype(np.float32), weight >= 0.5)
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


def _chances(values: Floats, mask: NDArray[np.bool_]) -> Floats:
    """Return the probability of each class (class, ..) at each voxel, 0 outside of `mask`."""
    seen = values[mask].astype(np.float64)
    if seen.size < _LEAST_VOXELS:
        raise NotSeparable
    low, high = np.quantile(seen, _TAILS)
    if not high > low:
        raise NotSeparable
    seen = np.clip((seen - low) / (high - low), 0, 1)  # vessels and other few are no class of their own
    means = _k_means(seen)
    held = np.abs(seen[:, None] - means).argmin(1)[:, None] == np.arange(CLASSES)
    given, before = held.astype(np.float64), means
    chances = np.zeros((CLASSES, *mask.shape), np.float32)
    for _ in range(_FIELD_ROUNDS):
        share = given.sum(0)
        if share.min() < 1:
            raise NotSeparable
        means = (seen @ given) / share
        variances = (given * (seen[:, None] - means) ** 2).sum(0) / share + 1e-6
        chances[:, mask] = given.T
        logs = -0.5 * (np.log(variances) + (seen[:, None] - means) ** 2 / variances)
        logs += _FIELD * np.stack([_neighbours(one)[mask] for one in chances], 1)
        given = np.exp(logs - logs.max(1, keepdims=True))
        given /= given.sum(1, keepdims=True)
        if np.abs(means - before).max() < _NEAR:
            break
        before = means
    chances[:, mask] = given.T
    return chances[np.argsort(means)]


def _k_means(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means of three clusters, from dark to bright; the same values always give the same."""
    means = np.quantile(seen, [1 / 6, 1 / 2, 5 / 6])
    for _ in range(_ROUNDS):
        near = np.digitize(seen, (means[1:] + means[:-1]) / 2)
        counts = np.bincount(near, minlength=CLASSES)
        if counts.min() == 0:
            raise NotSeparable
        moved = np.bincount(near, weights=seen, minlength=CLASSES) / counts
        if np.abs(moved - means).max() < _NEAR / 10:
            return moved
        means = moved
    return means


def _neighbours(chances: Floats) -> Floats:
    """Return the sum over the six that share a face."""
    padded = np.pad(chances, 1)
    middle = slice(1, -1)
    total = np.zeros_like(chances)
    for axis in range(3):
        for side in (slice(None, -2), slice(2, None)):
            total += padded[tuple(side if one == axis else middle for one in range(3))]
    return total
