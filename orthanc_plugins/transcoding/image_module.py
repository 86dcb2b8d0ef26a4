"""The Image Pixel module of a data set as facts of a frame."""

from dataclasses import replace

from pydicom.dataset import Dataset

from orthanc_plugins.transcoding import transfer_syntax
from orthanc_plugins.transcoding.eligibility import Reason, Skipped
from orthanc_plugins.transcoding.image import ImageFacts


def image_facts(dataset: Dataset) -> ImageFacts:
    """Facts of the Image Pixel module (PS3.3 C.7.6.3); raises Skipped(broken) where one is missing."""
    try:
        stored = int(dataset.get("BitsStored") or dataset.BitsAllocated)
        return ImageFacts(
            rows=int(dataset.Rows),
            columns=int(dataset.Columns),
            samples_per_pixel=int(dataset.SamplesPerPixel),
            bits_allocated=int(dataset.BitsAllocated),
            bits_stored=stored,
            high_bit=int(dataset.get("HighBit", stored - 1)),
            pixel_representation=int(dataset.PixelRepresentation),
            photometric_interpretation=str(dataset.PhotometricInterpretation),
            planar_configuration=int(dataset.get("PlanarConfiguration") or 0),
        )
    except Exception as error:  # pydicom decodes a value when it is asked for, and raises what it likes
        raise Skipped(Reason.BROKEN, f"Image Pixel module: {error}") from error


def decoded_facts(facts: ImageFacts, syntax: str) -> ImageFacts:
    """Facts of a decoded frame of `syntax` (PS3.5 8.2): what the codec transformed to YBR is RGB.

    A JPEG 2000 frame decodes to planes of one size, also where the label of its source, 4:2:2, was left.
    """
    if facts.photometric_interpretation == "YBR_FULL_422" and syntax in transfer_syntax.JPEG_2000_FAMILY:
        return replace(facts, photometric_interpretation="YBR_FULL")
    transformed = facts.photometric_interpretation in {"YBR_RCT", "YBR_ICT"} or (
        syntax in transfer_syntax.LOSSY_JPEG and facts.samples_per_pixel == 3
    )
    return replace(facts, photometric_interpretation="RGB") if transformed else facts
