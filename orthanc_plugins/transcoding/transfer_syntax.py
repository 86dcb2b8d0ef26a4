"""Transfer syntaxes by what the transcoder can do with them (PS3.5 Annex A). Standard library only."""

from typing import Final

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED: Final = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS: Final = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1: Final = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS: Final = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR_LOSSLESS: Final = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS: Final = "1.2.840.10008.1.2.4.90"
JPEG_2000: Final = "1.2.840.10008.1.2.4.91"
HTJ2K_LOSSLESS: Final = "1.2.840.10008.1.2.4.201"
HTJ2K_LOSSLESS_RPCL: Final = "1.2.840.10008.1.2.4.202"
HTJ2K_ANY: Final = "1.2.840.10008.1.2.4.203"
RLE_LOSSLESS: Final = "1.2.840.10008.1.2.5"

HTJ2K: Final = frozenset({HTJ2K_LOSSLESS, HTJ2K_LOSSLESS_RPCL, HTJ2K_ANY})
UNCOMPRESSED: Final = frozenset(
    {
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_LITTLE_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
    }
)
LOSSLESS_JPEG: Final = frozenset({JPEG_LOSSLESS, JPEG_LOSSLESS_SV1})
LOSSLESS_COMPRESSED: Final = LOSSLESS_JPEG | {RLE_LOSSLESS, JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS}
LOSSY_JPEG: Final = frozenset({JPEG_BASELINE, JPEG_EXTENDED})
LOSSY: Final = LOSSY_JPEG | {JPEG_LS_NEAR_LOSSLESS, JPEG_2000}
JPEG_LS: Final = frozenset({JPEG_LS_LOSSLESS, JPEG_LS_NEAR_LOSSLESS})
JPEG_2000_FAMILY: Final = HTJ2K | {JPEG_2000_LOSSLESS, JPEG_2000}
VIDEO: Final = frozenset(
    f"1.2.840.10008.1.2.4.{suffix}"
    for suffix in (*(f"{number}{part}" for number in range(100, 107) for part in ("", ".1")), "107", "108")
)
DECODABLE: Final = UNCOMPRESSED | LOSSLESS_COMPRESSED | LOSSY | HTJ2K

_MEDIA_TYPES: Final = {
    **dict.fromkeys(HTJ2K, "image/jphc"),
    **dict.fromkeys(JPEG_LS, "image/jls"),
    **dict.fromkeys((JPEG_2000_LOSSLESS, JPEG_2000), "image/jp2"),
    **dict.fromkeys(LOSSLESS_JPEG | LOSSY_JPEG, "image/jpeg"),
    RLE_LOSSLESS: "image/dicom-rle",
}


def frame_media_type(transfer_syntax: str) -> str:
    """Media type of one frame as stored in `transfer_syntax` (PS3.18 8.7.3.3), octet-stream by default."""
    return _MEDIA_TYPES.get(transfer_syntax, "application/octet-stream")
