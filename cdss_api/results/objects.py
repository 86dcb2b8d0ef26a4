"""The DICOM objects of a result, in the order in which they are stored."""

from __future__ import annotations

import io

from pydicom import Dataset

from cdss_api.results.made import Made
from cdss_api.results.measuring import measurements_of
from cdss_api.results.readable import readable_of
from cdss_api.results.segmentation import segmentation_of


def objects_of(made: Made) -> list[Dataset]:
    """Return the segmentation where there is a mask, the measurements and the text.

    Raises:
        ValueError: the mask and the images do not fit one another.
    """
    segmentation = None if made.mask is None or made.result.mask is None else segmentation_of(made)
    others = [measurements_of(made, segmentation), readable_of(made)]
    for one in others if segmentation is None else (segmentation, *others):
        _date(one, made)
    return others if segmentation is None else [segmentation, *others]


def file_of(made: Dataset) -> bytes:
    """Return the object as a DICOM file (PS3.10)."""
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _date(made: Dataset, of: Made) -> None:
    """Date it by the model's end, and not by when it is written."""
    day, time = of.ended.strftime("%Y%m%d"), of.ended.strftime("%H%M%S")
    made.SeriesDate, made.SeriesTime = day, time
    made.ContentDate, made.ContentTime = day, time
    made.InstanceCreationDate, made.InstanceCreationTime = day, time
