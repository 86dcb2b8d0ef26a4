"""The mask as a DICOM Segmentation: labels, RLE (PS3.3 A.51; OHIF shows it over the images)."""

from __future__ import annotations

from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import RLELossless

from cdss_api.results.codes import our_code
from cdss_api.results.concepts import concept
from cdss_api.results.identity import identify, nameless
from cdss_api.results.made import Made
from cdss_api.results.wording import NOT_FOR_DIAGNOSIS, amount
from neuronova.contract.inference import Segment
from neuronova.contract.ours import MANUFACTURER

# Red and yellow, at which one looks, are left to what is no anatomy.
_ANATOMY = ((46, 139, 87), (0, 160, 190), (120, 110, 220), (150, 190, 220))
_FOUND = ((255, 90, 60), (255, 180, 0), (255, 60, 120), (250, 220, 60))
_COLOURS = 4
SERIES_NUMBER = 99_100  # after what modalities number, and after signed reports
_LONGEST = 64  # characters of a label, and of a description (LO)


def segmentation_of(made: Made) -> Dataset:
    """Return the object; each job's is a series of its own, for a viewer shows one object of such a series.

    Raises:
        ValueError: the result has no mask, or one that is not of the images' size.
    """
    mask = made.result.mask
    if mask is None or made.mask is None:
        raise ValueError("the result has no mask")
    if made.mask.shape[0] != len(made.sources):
        raise ValueError(f"{made.mask.shape[0]} slices of a mask do not lie over {len(made.sources)} images")
    found = Segmentation(
        source_images=nameless(made.sources),
        pixel_array=made.mask,
        segmentation_type="LABELMAP",
        segment_descriptions=[_described(made, one) for one in mask.segments],
        series_instance_uid=made.uid("seg-series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=made.uid("seg"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=made.result.model.id,
        software_versions=made.result.model.version,
        device_serial_number=made.short_digest,
        series_description=f"{made.result.model.id}: {NOT_FOR_DIAGNOSIS}"[:_LONGEST],
        content_description=f"{made.rule}, {NOT_FOR_DIAGNOSIS}"[:_LONGEST],
        transfer_syntax_uid=RLELossless,
    )
    # Pixel Padding Value says that 0 is background; a viewer would count that as the first segment.
    found.SegmentSequence = [one for one in found.SegmentSequence if one.SegmentNumber != found.PixelPaddingValue]
    return identify(found, made.sources[0])


def _described(made: Made, segment: Segment) -> SegmentDescription:
    model = made.result.model
    is_anatomy = segment.anatomy is not None
    return SegmentDescription(
        segment_number=segment.number,
        segment_label=label_of(segment),
        segmented_property_category=codes.SCT.AnatomicalStructure
        if is_anatomy
        else codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=concept(segment.anatomy or our_code(segment.label)),
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=model.id,
            version=model.version,
            family=codes.DCM.ArtificialIntelligence,
            parameters={"digest": model.digest},
        ),
        tracking_uid=made.uid(f"segment-{segment.number}"),
        tracking_id=f"{model.id} {segment.number}",
        display_color=CIELabColor.from_rgb(*(_ANATOMY if is_anatomy else _FOUND)[segment.number % _COLOURS]),
    )


def label_of(segment: Segment) -> str:
    """Return a segment's label with its volume, which is where a viewer shows it."""
    tail = "" if segment.volume is None else f" {amount(segment.volume, 'mL')}"
    return segment.label[: _LONGEST - len(tail)] + tail
