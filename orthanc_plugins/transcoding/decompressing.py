"""One compressed frame to an array of stored values."""

import math
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from orthanc_plugins.transcoding import transfer_syntax
from orthanc_plugins.transcoding.codestream import (
    Codestream,
    declare_precision,
    parse_codestream,
    parse_jpeg,
    require_whole,
)
from orthanc_plugins.transcoding.eligibility import Reason, Skipped
from orthanc_plugins.transcoding.image import ImageFacts

Array = NDArray[Any]
_HEADROOM = 2


def decompress(data: bytes, facts: ImageFacts, syntax: str) -> Array:
    """Decode one frame to `facts.shape` and `facts.dtype`, samples interleaved.

    Colour transforms inside the codestream are undone (YBR_RCT and YBR_ICT give RGB; lossy JPEG gives RGB). Raises
    Skipped(broken) where the frame does not decode or contradicts `facts`, before memory is allocated for it.
    """
    if syntax == transfer_syntax.RLE_LOSSLESS:
        return _decompress_rle(data, facts)
    header = parse_codestream(data) if syntax in transfer_syntax.JPEG_2000_FAMILY else parse_jpeg(data)
    _require_agreement(header, facts, syntax)
    if syntax in transfer_syntax.JPEG_2000_FAMILY:
        require_whole(data)
    try:
        array = _decoded(data, header, facts, syntax)
    except (RuntimeError, ValueError) as error:
        raise Skipped(Reason.BROKEN, f"a frame does not decode: {error}") from error
    return _as_cells(array.reshape(facts.shape), header, facts)


def reduced(codestream: bytes, header: Codestream, skipped: int) -> Array:
    """Decode a reversible HTJ2K codestream without its `skipped` highest resolutions, clipped to what it declares.

    A lower resolution goes beyond the range of the samples at edges, and the decoder would let it wrap round; so
    two bits more are declared, and the level that they add is taken off again.
    """
    bits = header.precision
    wide = declare_precision(codestream, bits + _HEADROOM, is_signed=header.is_signed)
    try:
        samples = _htj2k(wide, replace(header, precision=bits + _HEADROOM), 0, skipped).astype("i4")
    except (RuntimeError, ValueError) as error:
        raise Skipped(Reason.BROKEN, f"a frame does not decode: {error}") from error
    if header.is_signed:
        return samples.clip(-(1 << bits - 1), (1 << bits - 1) - 1)
    level = (1 << bits + _HEADROOM - 1) - (1 << bits - 1)
    return (samples - level).clip(0, (1 << bits) - 1)


def _whole(data: bytes, header: Codestream) -> Array:
    """Decode twice over different cells: imagecodecs passes over OpenJPH's errors and leaves the rest unwritten."""
    array, again = (_htj2k(data, header, fill, 0) for fill in (0, 0xFF))
    if not np.array_equal(array, again):
        raise Skipped(Reason.BROKEN, "an HTJ2K codestream is damaged")
    return array


def _htj2k(data: bytes, header: Codestream, fill: int, skipped: int) -> Array:
    """Decode into bytes that all are `fill`, so that a damaged codestream never shows what memory held before."""
    sides = tuple(-(-side >> skipped) for side in (header.rows, header.columns))
    size = 1 if header.precision <= 8 else 2 if header.precision <= 16 else 4
    kind = np.dtype(f"{'i' if header.is_signed else 'u'}{size}")
    shape = sides if header.components == 1 else (*sides, header.components)
    out = np.frombuffer(bytearray([fill]) * (math.prod(shape) * size), kind).reshape(shape)
    return imagecodecs.htj2k_decode(data, planar=False, skipres=skipped, out=out)


def _require_agreement(header: Codestream, facts: ImageFacts, syntax: str) -> None:
    seen = (header.rows, header.columns, header.components)
    if seen != (facts.rows, facts.columns, facts.samples_per_pixel):
        raise Skipped(Reason.BROKEN, f"a frame of {seen} rows, columns and samples in an object of {facts.shape}")
    if header.precision > facts.bits_allocated:
        raise Skipped(Reason.BROKEN, f"a frame of {header.precision} bits in cells of {facts.bits_allocated}")
    if header.is_subsampled and syntax not in transfer_syntax.LOSSY_JPEG:
        raise Skipped(Reason.SUBSAMPLED, "the codestream's components differ in size")


def _decoded(data: bytes, header: Codestream, facts: ImageFacts, syntax: str) -> Array:
    # OpenJPH does not clip to 8 bits: the overshoots of lossy frames would wrap round, so OpenJPEG decodes those.
    if syntax in transfer_syntax.HTJ2K and header.is_reversible:
        return _whole(data, header)
    if syntax in transfer_syntax.JPEG_2000_FAMILY:
        return imagecodecs.jpeg2k_decode(data, planar=False)
    if syntax in transfer_syntax.JPEG_LS:
        return imagecodecs.jpegls_decode(data)
    if facts.samples_per_pixel == 1:
        return imagecodecs.jpeg8_decode(data)
    if syntax in transfer_syntax.LOSSLESS_JPEG:
        # The same colour space on both sides: the samples as they are, whatever they mean.
        return imagecodecs.jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB")
    # Adobe's marker says what the samples are; where it is absent only the object does.
    knows = b"Adobe" in data[:4096]
    kept = "RGB" if facts.photometric_interpretation == "RGB" else "YCBCR"
    return imagecodecs.jpeg8_decode(data, colorspace=None if knows else kept, outcolorspace="RGB")


def _as_cells(array: Array, header: Codestream, facts: ImageFacts) -> Array:
    """Cells of BitsAllocated; where codestream and object disagree about the sign, the object is right.

    JPEG and JPEG-LS know unsigned samples only, so signed ones come back without their sign's extension.
    """
    signed = bool(facts.pixel_representation)
    if header.progression and not header.is_reversible:  # lossy ones overshoot what the object calls BitsStored
        low = -(1 << facts.bits_stored - 1) if signed else 0
        array = array.clip(low, low + (1 << facts.bits_stored) - 1)
    unused = facts.bits_allocated - header.precision
    cells = array.astype(facts.dtype, copy=False)
    if unused and header.is_signed != signed:
        cells = (cells << unused) >> unused
    return np.ascontiguousarray(cells)


def _decompress_rle(data: bytes, facts: ImageFacts) -> Array:
    """RLE segments are planes of bytes, the most significant first (PS3.5 G.2)."""
    try:
        planes = imagecodecs.dicomrle_decode(data, facts.dtype, out=facts.frame_length)
    except (RuntimeError, ValueError) as error:
        raise Skipped(Reason.BROKEN, f"a frame does not decode: {error}") from error
    if len(planes) != facts.frame_length:
        raise Skipped(Reason.BROKEN, f"an RLE frame of {len(planes)} bytes instead of {facts.frame_length}")
    array = np.frombuffer(planes, facts.dtype)
    if facts.samples_per_pixel == 1:
        return array.reshape(facts.shape)
    planar = array.reshape(facts.samples_per_pixel, facts.rows, facts.columns)
    return np.ascontiguousarray(planar.transpose(1, 2, 0))
