"""Synthetic series as a scanner names them: a head CT, a T1-weighted MR, a localizer and what goes wrong with them."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID, EnhancedSRStorage, MRImageStorage, SegmentationStorage

from neuronova.contract.ai.series import Series, series_of
from neuronova.contract.ours import MANUFACTURER
from tests.synthetic import ct_slice, make, uid

STUDY = "ai study"


def ct_head(count: int = 14, *, series: str = "ct head", **changed: Any) -> list[Dataset]:
    """A head CT of slices 2 mm apart."""
    made = [ct_slice(number, rows=16, columns=16, study=STUDY, series=series) for number in range(1, count + 1)]
    described = {"BodyPartExamined": "HEAD", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}
    return _changed(made, described | changed)


def mr_t1w(count: int = 62, *, series: str = "mr t1w", **changed: Any) -> list[Dataset]:
    """A T1-weighted MR volume."""
    made = [ct_slice(number, rows=16, columns=16, study=STUDY, series=series) for number in range(1, count + 1)]
    for one in made:
        one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = UID(MRImageStorage)
    described = {"Modality": "MR", "SeriesDescription": "3D MPRAGE", "ImageType": ["ORIGINAL", "PRIMARY", "M"]}
    return _changed(made, described | changed)


def localizer() -> list[Dataset]:
    """Three images of a head CT, each in another plane."""
    made = ct_head(3, series="localizer", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    planes = ([1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1])
    for one, plane in zip(made, planes, strict=True):
        one.ImageOrientationPatient = plane
    return made


def ours() -> list[list[Dataset]]:
    """A SEG and an SR that the platform stored, each a series whose attributes say all that `ct-head` asks for."""
    found = []
    for kind, sop_class in (("one_bit", SegmentationStorage), ("sr", EnhancedSRStorage)):
        one = make(kind, StudyInstanceUID=uid(STUDY), SeriesInstanceUID=uid(f"our {kind}"), Manufacturer=MANUFACTURER)
        one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = UID(sop_class)
        one.Modality, one.BodyPartExamined = "CT", "HEAD"
        found.append([one])
    return found


def as_series(images: list[Dataset]) -> Series:
    """The series that a DICOMweb answer about these images describes."""
    return series_of([without_pixels(image).to_json_dict() for image in images])


def changed(images: int, at: int, keyword: str, value: Any) -> Series:
    """A head CT in which one image has another value."""
    series = ct_head(images)
    setattr(series[at], keyword, value)
    return as_series(series)


def without_pixels(image: Dataset) -> Dataset:
    """The same without Pixel Data."""
    return Dataset({tag: image[tag] for tag in image.keys() if tag != 0x7FE00010})  # noqa: SIM118 - a Dataset


def _changed(images: list[Dataset], attributes: dict[str, Any]) -> list[Dataset]:
    for image in images:
        for keyword, value in attributes.items():
            setattr(image, keyword, value)
    return images
