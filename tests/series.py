"""A synthetic CT series: as many slices as wanted, with texture that does not compress to nothing."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid


@cache
def _texture(size: int) -> NDArray[np.int16]:
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    noise = np.random.default_rng(1).integers(-8, 8, (size, size))
    values: NDArray[np.int16] = (1000 * (rows**2 + columns**2 < 0.8) - 1000 + noise).astype("<i2")
    return values


def ct_series(name: str, count: int, *, size: int = 64) -> list[FileDataset]:
    """Return `count` slices of `size` x `size`; the same name gives the same UIDs."""
    return [_slice(name, index, size) for index in range(count)]


def _uid(*parts: object) -> UID:
    return generate_uid(entropy_srcs=["neuronova-tests", *map(str, parts)])


def _slice(name: str, index: int, size: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = _uid(name, index)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128, is_implicit_VR=False)  # type: ignore[arg-type]
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = _uid(name, "study"), _uid(name, "series")
    dataset.PatientID, dataset.PatientName = name, f"Test^{name}"
    dataset.StudyDate, dataset.StudyTime = "20250101", "120000"
    dataset.Modality, dataset.InstanceNumber = "CT", index + 1
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0, 0, index], [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [1, 1], 1
    dataset.Rows = dataset.Columns = size
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.PixelData = np.roll(_texture(size), index, axis=0).tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset
