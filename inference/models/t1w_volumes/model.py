"""T1-weighted MR: the brain by the two networks of deepbet, and fluid, grey and white matter inside of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy import ndimage

from inference.models.t1w_volumes.arrays import extent, in_one_piece
from inference.models.t1w_volumes.tissue import NotSeparable, tissues
from inference.output import Output
from inference.volume import NotEvaluable, Volume
from neuronova.contract.inference import Code, Measurement, Segment

Floats = NDArray[np.float32]
Box = tuple[slice, slice, slice]

_FOLDER = Path(__file__).parent
_COARSE, _FINE = 128, 256  # voxels along each edge of what the networks take
_MARGIN = 0.1  # of the box, on each side
_PLAUSIBLE = (900.0, 2200.0)  # mL
_THREADS = 2
_LONGEST_ECHO = 10.0  # ms
_T1 = ("T1", "MPRAGE", "SPGR", "BRAVO", "TFE", "VIBE", "FSPGR")
_OTHERS = ("T2", "FLAIR", "SWI", "TOF", "PERF", "DWI", "ADC")
_LEAST_SHARE = 0.05  # of the brain, for each tissue
# CID 7151 has all three: the mask's values from 1 on.
_TISSUES = (
    ("Cerebrospinal fluid", Code(value="65216001", scheme="SCT", meaning="Cerebrospinal Fluid")),
    ("Grey matter", Code(value="389081007", scheme="SCT", meaning="Gray Matter")),
    ("White matter", Code(value="389080008", scheme="SCT", meaning="White Matter")),
)


def run(volume: Volume) -> Output:
    """Return where fluid, grey and white matter are inside the brain's mask, and their volumes."""
    _require_t1(volume)
    order, flips = _to_ras(volume)
    # In one piece: what follows walks through it several times.
    values = in_one_piece(np.flip(volume.values.transpose(order), flips))
    mask = brain(values)
    total = _millilitres(in_one_piece(np.flip(mask, flips).transpose(np.argsort(order))), volume)
    if not _PLAUSIBLE[0] <= total <= _PLAUSIBLE[1]:
        raise NotEvaluable("implausible_volume", f"The brain would have {total:.0f} mL.")
    spacing = np.array([float(np.median(volume.thicknesses)), *volume.spacing])[list(order)]
    try:
        found = tissues(values, mask, spacing.tolist())
    except NotSeparable:
        raise NotEvaluable("no_tissue_contrast", "Fluid, grey and white matter cannot be told apart.") from None
    labels = in_one_piece(np.flip(found, flips).transpose(np.argsort(order)))
    parts = [_millilitres(labels == number, volume) for number in range(1, 1 + len(_TISSUES))]
    if min(parts) < _LEAST_SHARE * total:
        raise NotEvaluable("implausible_tissues", "One of fluid, grey and white matter would hardly be there.")
    named = [(name, anatomy, round(part, 1)) for (name, anatomy), part in zip(_TISSUES, parts, strict=True)]
    return Output(
        measurements=(
            Measurement(name="Brain volume (mask)", value=round(total, 1), unit="mL"),
            *(Measurement(name=f"{name} volume", value=part, unit="mL") for name, _, part in named),
        ),
        mask=labels,
        segments=tuple(
            Segment(number=number, label=name, anatomy=anatomy, volume=part)
            for number, (name, anatomy, part) in enumerate(named, 1)
        ),
    )


def _millilitres(mask: NDArray[np.bool_], volume: Volume) -> float:
    return float(mask.sum((1, 2)) @ volume.voxel_volumes) / 1000


def _require_t1(volume: Volume) -> None:
    known = volume.attributes
    if known.get("Modality") != "MR":
        raise NotEvaluable("wrong_modality", "This model takes MR.")
    _require_box(volume)
    name = str(known.get("SeriesDescription", "")).upper()
    if any(word in name for word in _OTHERS):
        raise NotEvaluable("not_t1w", "The series is described as something else than T1-weighted.")
    echo = float(known["EchoTime"]) if "EchoTime" in known else None
    if known.get("MRAcquisitionType", "3D") != "3D" or (echo is not None and not 0 < echo <= _LONGEST_ECHO):
        raise NotEvaluable("not_t1w", "The images were not acquired as a three-dimensional T1-weighted volume.")
    # Derived series keep no sequence; their description has to say it then.
    if not (any(word in name for word in _T1) or ("GR" in known.get("ScanningSequence", "") and echo is not None)):
        raise NotEvaluable("not_t1w", "Nothing says that the images are T1-weighted.")


def _require_box(volume: Volume) -> None:
    gaps = np.diff(volume.heights)
    steps = np.diff(volume.positions, axis=0)
    slanted = np.abs(steps - gaps[:, None] * volume.normal).max()
    if len(gaps) < 79 or np.ptp(gaps) > 0.05 * gaps.mean() + 0.01 or slanted > 0.1:
        raise NotEvaluable("wrong_geometry", "This is no evenly spaced volume of at least 80 slices.")
    voxel = (float(gaps.mean()), *volume.spacing)
    extents = [size * count for size, count in zip(voxel, volume.values.shape, strict=True)]
    if max(voxel) > 2 or not all(120 <= one <= 320 for one in extents):
        raise NotEvaluable("wrong_geometry", "The voxels, or the volume, are not of the size of a T1-weighted head.")


def _to_ras(volume: Volume) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the order of the axes, and those to turn round, that make (to the right, to the front, up) of them."""
    along = np.stack([volume.normal, volume.column, volume.row])
    nearest = np.abs(along).argmax(1)
    if sorted(nearest) != [0, 1, 2]:
        raise NotEvaluable("wrong_geometry", "The volume lies too obliquely.")
    order = tuple(int(axis) for axis in np.argsort(nearest))
    wanted = (-1, -1, 1)  # DICOM's x goes to the left, its y back
    flips = tuple(one for one, axis in enumerate(order) if np.sign(along[axis, one]) != wanted[one])
    return order, flips


def brain(values: Floats) -> NDArray[np.bool_]:
    """Return where the brain is in `values` (to the right, to the front, up)."""
    coarse = _resampled(values, (_COARSE,) * 3)
    low, high = np.quantile(coarse, (0.005, 0.995))
    if high <= low:
        raise NotEvaluable("no_contrast", "The images are all of one value.")
    rough = _largest(_probability("bbox.onnx", _normal(coarse, low, high)) > 0.5)
    box = _box(rough, values.shape)
    fine = _probability("mask.onnx", _normal(_resampled(values[box], (_FINE,) * 3), low, high))
    mask = np.zeros(values.shape, bool)
    mask[box] = _filled(_largest(_resampled(fine, values[box].shape) > 0.5))
    return mask


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    # There are no holes outside of the box that holds it.
    inside = extent(mask)
    mask[inside] = ndimage.binary_fill_holes(mask[inside])
    return mask


def _probability(name: str, image: Floats) -> Floats:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    options.log_severity_level = 3
    session: Any = onnxruntime.InferenceSession(_FOLDER / name, options, providers=["CPUExecutionProvider"])
    result = session.run(None, {session.get_inputs()[0].name: image[None, None]})[0]
    return np.asarray(result[0, 1])


def _resampled(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the nearest voxels at the centres of a grid of `shape` over the same box."""
    picked = [
        np.floor((np.arange(n) + 0.5) * have / n).astype(int) for n, have in zip(shape, values.shape, strict=True)
    ]
    return values[np.ix_(*picked)]


def _normal(values: Floats, low: float, high: float) -> Floats:
    # The mean and deviation that the networks were trained with.
    scaled = np.clip((values - low) / (high - low), 0, 1)
    return (0.226 * (scaled - scaled.mean()) / scaled.std(ddof=1) + 0.449).astype(np.float32)


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    if count == 0:
        raise NotEvaluable("no_brain", "No brain is seen.")
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def _box(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> Box:
    edges = []
    for axis, size in enumerate(shape):
        others = tuple(other for other in range(3) if other != axis)
        # A plane counts from 2 % of it on: single voxels at the border do not widen the box.
        filled = np.flatnonzero(mask.mean(others) > 0.02)
        if not filled.size:
            raise NotEvaluable("no_brain", "No brain is seen.")
        scale = size / mask.shape[axis]
        middle = round((filled[0] + filled[-1] + 1) / 2 * scale)
        width = round((filled[-1] + 1 - filled[0]) * scale * (1 + 2 * _MARGIN))
        edges.append(slice(max(0, int(middle - width / 2)), min(size, int(middle + width / 2))))
    return edges[0], edges[1], edges[2]
