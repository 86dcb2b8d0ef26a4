"""Which objects get an HTJ2K representation, and the fixed words for why one does not."""

from enum import StrEnum

from orthanc_plugins.transcoding import transfer_syntax
from orthanc_plugins.transcoding.image import ImageFacts

WHOLE_SLIDE_SOP_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"

# 11,585 pixels squared: twice the largest radiograph, and at most 768 MB of decoded samples.
MAX_PIXELS_PER_FRAME = 1 << 27

_PHOTOMETRIC_INTERPRETATIONS = {
    1: frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"}),
    3: frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT", "YBR_PARTIAL_422", "YBR_PARTIAL_420"}),
}


class Reason(StrEnum):
    """Why an object has no HTJ2K representation, as it is recorded."""

    NO_PIXEL_DATA = "no_pixel_data"
    FLOAT_PIXEL_DATA = "float_pixel_data"
    ONE_BIT = "one_bit"
    OVER_16_BIT = "over_16_bit"
    LOSSY = "lossy"
    VIDEO = "video"
    WHOLE_SLIDE = "whole_slide"
    SUBSAMPLED = "subsampled"
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported_transfer_syntax"
    BROKEN = "broken"
    TOO_LARGE = "too_large"
    MISMATCH = "mismatch"


class Skipped(Exception):
    """The object cannot be transcoded, or the frame not decoded."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Mismatch(Skipped):
    """What was encoded did not decode to the source's cells."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.MISMATCH, detail)


def require_decodable(facts: ImageFacts, syntax: str) -> None:
    """Raise Skipped unless frames with these facts can become arrays of 8 or 16 bit cells."""
    if syntax in transfer_syntax.VIDEO:
        raise Skipped(Reason.VIDEO, syntax)
    if syntax not in transfer_syntax.DECODABLE:
        raise Skipped(Reason.UNSUPPORTED_TRANSFER_SYNTAX, syntax)
    if facts.bits_allocated == 1:
        raise Skipped(Reason.ONE_BIT, "BitsAllocated 1")
    if facts.bits_allocated > 16:
        raise Skipped(Reason.OVER_16_BIT, f"BitsAllocated {facts.bits_allocated}")
    if facts.is_subsampled and syntax not in transfer_syntax.LOSSY_JPEG | transfer_syntax.JPEG_2000_FAMILY:
        raise Skipped(Reason.SUBSAMPLED, facts.photometric_interpretation)
    if facts.rows * facts.columns > MAX_PIXELS_PER_FRAME:
        raise Skipped(Reason.TOO_LARGE, f"{facts.rows} rows of {facts.columns} columns")
    _require_consistent(facts)


def require_encodable(facts: ImageFacts, syntax: str, sop_class: str, modality: str) -> None:
    """Raise Skipped unless the object is one that viewers decode from HTJ2K and that loses nothing by it."""
    if sop_class == WHOLE_SLIDE_SOP_CLASS or modality == "SM":
        raise Skipped(Reason.WHOLE_SLIDE, "whole-slide viewers cannot decode HTJ2K")
    if syntax in transfer_syntax.LOSSY or syntax == transfer_syntax.HTJ2K_ANY:
        raise Skipped(Reason.LOSSY, syntax)
    require_decodable(facts, syntax)


def _require_consistent(facts: ImageFacts) -> None:
    photometric_interpretations = _PHOTOMETRIC_INTERPRETATIONS.get(facts.samples_per_pixel, frozenset())
    odd = {
        "Rows": facts.rows < 1,
        "Columns": facts.columns < 1,
        "BitsAllocated": facts.bits_allocated not in {8, 16},
        "BitsStored": not 1 <= facts.bits_stored <= facts.bits_allocated,
        "HighBit": not facts.bits_stored - 1 <= facts.high_bit < facts.bits_allocated,
        "PixelRepresentation": facts.pixel_representation not in {0, 1},
        "SamplesPerPixel or PhotometricInterpretation": (
            facts.photometric_interpretation not in photometric_interpretations
        ),
        "PlanarConfiguration": facts.planar_configuration not in {0, 1},
    }
    if names := [name for name, is_odd in odd.items() if is_odd]:
        raise Skipped(Reason.BROKEN, f"impossible {', '.join(names)}")
