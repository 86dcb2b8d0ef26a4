"""What is sent and encoded: real series where they are at hand, else synthetic ones of the same size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from tests.conftest import REAL_SERIES
from tests.series import ct_series

NOISE = 16.0  # grey values: a radiograph then compresses two to four times, as real ones do


def real_or_synthetic(name: str, count: int, size: int) -> list[Dataset]:
    """Return a real series, or a synthetic one of about its size."""
    folder = REAL_SERIES / name
    if folder.is_dir():
        return [dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    return list(ct_series(name, count, size=size))


def head_ct() -> list[Dataset]:
    """28 slices of 512 x 512."""
    return real_or_synthetic("ct-head", 28, 512)


def brain_mr() -> list[Dataset]:
    """384 slices of 384 x 274."""
    return real_or_synthetic("mr-t1w", 384, 324)


def radiograph(rows: int, columns: int, bits: int) -> NDArray[np.uint16]:
    """Return a chest-like picture: soft shapes, a grid of fine lines and noise of some bits."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    soft = np.exp(-3 * (x**2 + y**2)) + 0.3 * np.cos(9 * x) * np.cos(7 * y) + 0.05 * (np.sin(400 * x) > 0.95)
    top = (1 << bits) - 1
    noise = np.random.default_rng(7).normal(0, NOISE, (rows, columns))
    scaled = (soft - soft.min() + 0.05) / (soft.max() - soft.min() + 0.1) * top
    values: NDArray[np.uint16] = np.clip(scaled + noise, 0, top).astype(np.uint16)
    return values


def write_copies(slices: Sequence[Dataset], count: int, folder: Path) -> Path:
    """Write `count` slices of a new study as files that no server has."""
    folder.mkdir(parents=True)
    study, series = generate_uid(), generate_uid()
    for index in range(count):
        copy = Dataset()
        source = slices[index % len(slices)]
        copy.update(source)
        copy.file_meta = source.file_meta
        copy.StudyInstanceUID, copy.SeriesInstanceUID, copy.SOPInstanceUID = study, series, generate_uid()
        copy.file_meta.MediaStorageSOPInstanceUID = copy.SOPInstanceUID
        copy.InstanceNumber = index + 1
        copy.save_as(folder / f"{index:04}.dcm", enforce_file_format=True)
    return folder


def radiograph_object(name: str, pixels: NDArray[np.uint16], bits: int) -> Dataset:
    """Return a computed radiograph of these pixels; the same name gives the same UIDs."""
    dataset = ct_series(name, 1)[0]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    dataset.Modality = "CR"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits - 1, 0
    dataset.WindowCenter, dataset.WindowWidth = 1 << bits - 1, 1 << bits
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "SliceThickness"):
        del dataset[keyword]
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset
