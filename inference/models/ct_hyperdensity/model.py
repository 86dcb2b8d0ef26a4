"""Head CT: the inside of the skull, and regions of 55 to 95 HU in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.output import Output
from inference.volume import NotEvaluable, Volume
from neuronova.contract.inference import Code, Finding, Measurement, Segment

Bools = NDArray[np.bool_]

_BONE = 180.0  # HU
_DENSE, _TOO_DENSE = 55.0, 95.0  # HU: clotted blood; above it lie calcium and metal
_TISSUE = (-20.0, 130.0)  # HU: brain, fluid and blood, neither fat nor bone
_SMALLEST = 0.5  # mL
_CRITICAL = 1.0  # mL, of which planted ones were all found
_MARGIN = 4.0  # mm from the bone, where partial volume and beam hardening look like blood
_WORKING = 1.0  # mm, the pixels that are worked on
_MOST = 20
BRAIN, CANDIDATE = 1, 2
_ANATOMY = Code(value="1101003", scheme="SCT", meaning="Intracranial structure")


def run(volume: Volume) -> Output:
    """Return the intracranial volume and the candidates, the largest first."""
    _require_head_ct(volume)
    step = max(1, round(_WORKING / max(volume.spacing)))
    values = ndimage.uniform_filter(volume.values, (1, step, step))[:, ::step, ::step] if step > 1 else volume.values
    pixel = (volume.spacing[0] * step, volume.spacing[1] * step)
    voxels = volume.thicknesses * pixel[0] * pixel[1] / 1000  # mL
    inside = intracranial(values, pixel, volume.thicknesses)
    total = _millilitres(inside, voxels)
    if not 600 <= total <= 2200:
        raise NotEvaluable("implausible_volume", f"The inside of the skull would have {total:.0f} mL.")
    dense = candidates(values, inside, pixel)
    labels, count = ndimage.label(dense, np.ones((3, 3, 3)))
    sizes = [(_millilitres(labels == number, voxels), number) for number in range(1, count + 1)]
    kept = sorted((one for one in sizes if one[0] >= _SMALLEST), reverse=True)[:_MOST]
    small = np.where(inside, BRAIN, 0).astype(np.uint8)
    small[np.isin(labels, [number for _, number in kept]) & (labels > 0)] = CANDIDATE
    found = tuple(_finding(volume, values, labels == number, size, step) for size, number in kept)
    return Output(
        measurements=(
            Measurement(name="Intracranial volume", value=round(total, 1), unit="mL"),
            Measurement(name="Number of hyperdensity candidates", value=float(len(found)), unit="1"),
        ),
        findings=found,
        mask=_enlarged(small, step, volume.values.shape),
        segments=(
            Segment(number=BRAIN, label="Intracranial", anatomy=_ANATOMY, volume=round(total, 1)),
            Segment(number=CANDIDATE, label="Hyperdensity candidate", volume=round(sum(one for one, _ in kept), 2)),
        ),
    )


def _require_head_ct(volume: Volume) -> None:
    if volume.attributes.get("Modality") != "CT":
        raise NotEvaluable("wrong_modality", "This model takes CT.")
    if volume.attributes.get("ContrastBolusAgent"):
        raise NotEvaluable("contrast_agent", "The images name a contrast agent; vessels would be candidates.")
    if abs(volume.normal[2]) < np.cos(np.deg2rad(35)):
        raise NotEvaluable("wrong_geometry", "The slices are not transverse.")
    extent = float(np.ptp(volume.heights))
    gaps = np.diff(volume.heights)
    if len(volume.instances) < 8 or not 80 <= extent <= 320 or gaps.max() > 12:
        raise NotEvaluable("wrong_geometry", f"{len(gaps) + 1} slices over {extent:.0f} mm do not cover a head.")
    if not all(0.2 <= one <= 1.5 for one in volume.spacing):
        raise NotEvaluable("wrong_geometry", "The pixels are not from 0.2 to 1.5 mm.")


def intracranial(values: NDArray[np.float32], pixel: tuple[float, float], thicknesses: NDArray[np.float64]) -> Bools:
    """Return what bone closes in, slice by slice, and hangs together from slice to slice."""
    bone = values > _BONE
    closed = np.zeros_like(bone)
    reach = _disc(4.0, pixel)
    for index, one in enumerate(bone):
        # Gaps of the skull (foramina, sutures) are closed before what it surrounds is filled.
        shell = ndimage.binary_closing(np.pad(one, 12), reach)[12:-12, 12:-12]
        closed[index] = ndimage.binary_fill_holes(shell) & ~one
    tissue = closed & (values > _TISSUE[0]) & (values < _TISSUE[1])
    # Thin bridges, to the orbits and the neck, are cut; what is left of the others is not the largest part.
    cut = np.stack([ndimage.binary_erosion(one, _disc(3.0, pixel)) for one in tissue])
    labels, count = ndimage.label(cut)
    if count == 0:
        raise NotEvaluable("no_skull", "No closed skull is seen.")
    weights = np.bincount(labels.ravel(), np.repeat(thicknesses, labels[0].size))
    weights[0] = 0
    largest = labels == weights.argmax()
    grown = np.stack([ndimage.binary_dilation(one, _disc(4.0, pixel)) for one in largest]) & tissue
    return np.stack([ndimage.binary_fill_holes(one) for one in grown])


def candidates(values: NDArray[np.float32], inside: Bools, pixel: tuple[float, float]) -> Bools:
    """Return the dense regions, away from bone, thick enough not to be the falx or a vessel."""
    smooth = np.stack([ndimage.gaussian_filter(one, [0.8 / size for size in pixel]) for one in values])
    bone = values > _BONE
    deep = inside & np.stack([ndimage.distance_transform_edt(~one, pixel) > _MARGIN for one in bone])
    # What is as dense as blood must also stand out from this head's own tissue.
    usual = float(np.median(smooth[deep])) if deep.any() else 35.0
    dense = deep & (smooth > max(_DENSE, usual + 15)) & (smooth < _TOO_DENSE)
    return np.stack([ndimage.binary_opening(one, _disc(2.0, pixel)) for one in dense])


def _disc(radius: float, pixel: tuple[float, float]) -> Bools:
    rows, columns = (max(1, round(radius / size)) for size in pixel)
    y, x = np.mgrid[-rows : rows + 1, -columns : columns + 1]
    return np.asarray((y / rows) ** 2 + (x / columns) ** 2 <= 1.01)


def _millilitres(where: Bools, voxels: NDArray[np.float64]) -> float:
    return float(where.sum((1, 2)) @ voxels)


def _finding(volume: Volume, values: NDArray[np.float32], where: Bools, size: float, step: int) -> Finding:
    at = ndimage.center_of_mass(where)
    fullest = int(where.sum((1, 2)).argmax())
    # The middle of a block of pixels, in the pixels of the images.
    place = (at[0], at[1] * step + (step - 1) / 2, at[2] * step + (step - 1) / 2)
    return Finding(
        label="Hyperdensity candidate",
        measurements=(
            Measurement(name="Volume", value=round(size, 2), unit="mL"),
            Measurement(name="Mean attenuation", value=round(float(values[where].mean()), 1), unit="[hnsf'U]"),
        ),
        position=volume.place(place),
        instance=volume.instances[fullest],
        critical=size >= _CRITICAL,
    )


def _enlarged(small: NDArray[np.uint8], step: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    large = small.repeat(step, 1).repeat(step, 2)[:, : shape[1], : shape[2]]
    return np.pad(large, [(0, 0), *((0, shape[axis] - large.shape[axis]) for axis in (1, 2))], mode="edge")
