"""Small arrays that come in the request itself: `image_array`, `modality`, and `metadata` with DICOM's keywords."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from inference.volume import ATTRIBUTES, NotEvaluable, Volume, checked
from neuronova.web.problems import Problem

MODALITIES = ("CT", "MR", "XR")
MOST_VALUES = 8 << 20
_GEOMETRY = ("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient")


def read_inline(image_array: Any, modality: Any, metadata: Mapping[str, Any]) -> Volume:
    """Return the volume: `image_array` is [slice][row][column], ImagePositionPatient one triple for each slice.

    Raises:
        Problem: the array is none of numbers, or too large (413, 422).
        NotEvaluable: the geometry is missing or odd.
    """
    if modality not in MODALITIES:
        raise Problem(422, "invalid_input", f"/modality is none of {', '.join(MODALITIES)}.")
    try:
        values = np.array(image_array, dtype=np.float32)
    except (ValueError, TypeError, OverflowError):
        raise Problem(422, "invalid_input", "/image_array is no array of numbers with rows of one length.") from None
    if values.ndim not in (2, 3) or values.size == 0 or not np.isfinite(values).all():
        raise Problem(422, "invalid_input", "/image_array has not two or three dimensions of finite numbers.")
    if values.size > MOST_VALUES:
        raise Problem(413, "too_large", f"/image_array has more than {MOST_VALUES} values; send it by reference.")
    return _placed(values, modality, metadata)


def _placed(values: np.ndarray[Any, Any], modality: str, metadata: Mapping[str, Any]) -> Volume:
    missing = [name for name in _GEOMETRY if name not in metadata]
    if missing or values.ndim != 3:
        lacking = ", ".join(missing) or "a third dimension"
        raise NotEvaluable("geometry_missing", f"Without {lacking} there is no volume to measure in.")
    try:
        spacing, cosines, positions = (np.array(metadata[name], dtype=np.float64) for name in _GEOMETRY)
    except (ValueError, TypeError, OverflowError):
        raise NotEvaluable("geometry_missing", "The geometry has values that are no numbers.") from None
    if spacing.shape != (2,) or cosines.shape != (6,) or positions.shape != (len(values), 3):
        raise NotEvaluable("geometry_missing", "The geometry has not the shape that DICOM gives it.")
    row, column = cosines[:3], cosines[3:]
    unit = np.allclose([row @ row, column @ column], 1, atol=0.02) and abs(row @ column) < 0.01
    if not unit:
        raise NotEvaluable("geometry_missing", "ImageOrientationPatient are no two unit vectors at right angles.")
    order = np.argsort(positions @ np.cross(row, column), kind="stable")
    known = {name: str(metadata[name])[:64] for name in ATTRIBUTES if metadata.get(name) not in (None, "")}
    return checked(
        Volume(
            values=values[order],
            positions=positions[order],
            row=row,
            column=column,
            spacing=(float(spacing[0]), float(spacing[1])),
            # It is of no stored object: the name is the index in the array that came.
            instances=tuple(str(index) for index in order),
            attributes=known | {"Modality": modality},
        )
    )


def save_inline(path: Path, volume: Volume) -> None:
    """Write the volume for the child process."""
    np.savez(
        path,
        values=volume.values,
        positions=volume.positions,
        row=volume.row,
        column=volume.column,
        spacing=np.array(volume.spacing),
        instances=np.array(volume.instances, dtype=np.str_),
        attributes=np.array(json.dumps(dict(volume.attributes)), dtype=np.str_),
    )


def load_inline(path: Path) -> Volume:
    """Read what `save_inline` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        return Volume(
            values=stored["values"],
            positions=stored["positions"],
            row=stored["row"],
            column=stored["column"],
            spacing=(float(stored["spacing"][0]), float(stored["spacing"][1])),
            instances=tuple(map(str, stored["instances"])),
            attributes=json.loads(str(stored["attributes"])),
        )
