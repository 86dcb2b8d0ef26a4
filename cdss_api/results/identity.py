"""Whose an object is, and of which study: written as the images have it, whatever it is.

highdicom refuses values that real images have (names of one part, ages without a unit, no birth date). What it makes is
therefore made of a nameless patient's images, and gets the identity afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydicom import Dataset

from neuronova.contract.ours import MANUFACTURER

# Patient (PS3.3 C.7.1.1), General Study (C.7.2.1), as far as they say whose and which, and of type 2 at most.
_OF_STUDY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"),
)
_OPTIONAL = ("IssuerOfPatientID", "StudyDescription")
# What places an image, and what says which one it is.
_OF_IMAGE = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "Modality"),
    *("Rows", "Columns", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "InstanceNumber"),
)


def nameless(sources: Sequence[Dataset]) -> list[Dataset]:
    """Return images that say where they are and not whose they are."""
    return [_nameless(one) for one in sources]


def identify(made: Dataset, source: Dataset) -> Dataset:
    """Give an object the identity of the image that it comes from; return it."""
    made.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _OF_STUDY:
        setattr(made, keyword, source.get(keyword) or "")
    for keyword in _OPTIONAL:
        if source.get(keyword):
            setattr(made, keyword, source.get(keyword))
    made.Manufacturer = MANUFACTURER
    return made


def _nameless(source: Dataset) -> Dataset:
    image = Dataset()
    for keyword in _OF_IMAGE:
        if source.get(keyword) is not None:
            image[keyword] = source[keyword]
    for keyword in (*_OF_STUDY, "PositionReferenceIndicator"):
        if keyword not in image:
            setattr(image, keyword, "")
    # The distance of two slices says what a voxel is; a thickness that is not known is not made up.
    image.SliceThickness = source.get("SliceThickness")
    return image
